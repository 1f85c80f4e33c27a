"""The bot's only way to upload: `Uploader`."""

from userbot.telegram.uploader.settings import UploaderSettings
from userbot.telegram.uploader.source import OpenFile, Source
from userbot.telegram.uploader.upload import UploadState
from userbot.telegram.uploader.uploader import Uploader

__all__ = ["OpenFile", "Source", "UploadState", "Uploader", "UploaderSettings"]
