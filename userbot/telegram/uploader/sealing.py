"""A part on its way from the file to its connection, in a thread."""

import logging

from userbot.errors import DeliveryError, UserbotError
from userbot.telegram.uploader.cipher import PartCipher
from userbot.telegram.uploader.connection import Connection
from userbot.telegram.uploader.envelope import PartMessage
from userbot.telegram.uploader.sent import Sent

log = logging.getLogger(__name__)


class Sealing:
    """Read, checksum, encrypt and send, in one go: the bytes stay in one core's cache."""

    def __init__(
        self, cipher: PartCipher, connection: Connection, message: PartMessage, sent: Sent
    ) -> None:
        self.connection = connection
        self.message_id = message.message_id
        self.sent = sent
        self.rest: memoryview | None = None  # what the socket had no room for; None: not written
        self.error: UserbotError | None = None
        self._cipher = cipher
        self._message = message

    def run(self) -> None:
        """See threads.Work."""
        if not self.sent.is_current or not self.connection.is_open:
            return
        try:
            packet, digest = self._message.seal(self._cipher)
            self.sent.upload.read(self.sent.index, digest)
            self.rest = self.connection.push(packet)
        except Exception as error:  # noqa: BLE001 - the border of a thread; the upload raises it
            self.error = _translated(error)


def _translated(error: Exception) -> UserbotError:
    if isinstance(error, UserbotError):
        return error
    if not isinstance(error, OSError):
        log.error("a part could not be sealed", exc_info=error)
    translated = DeliveryError(type(error).__name__)
    translated.__cause__ = error
    return translated
