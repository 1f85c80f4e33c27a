"""Makes one audio file for Telegram's music player.

AAC becomes M4A and MP3 stays MP3 by copy; anything else is encoded as AAC in M4A.
"""

from pathlib import Path

from userbot.domain.jobs import Stage
from userbot.errors import BrokenMediaError
from userbot.worker.ffmpeg import run_ffmpeg
from userbot.worker.meter import Meter
from userbot.worker.pack import COPIED_SOUND, RESULT_STEM, sound_arguments
from userbot.worker.probe import Probe


def pack_audio(
    source: Probe, folder: Path, meter: Meter, *, title: str, performer: str | None
) -> Path:
    """Return the finished file in folder: the sound of source, with title and performer as tags.

    Raises BrokenMediaError when source has no sound, and what run_ffmpeg raises.
    """
    if source.sound is None:
        raise BrokenMediaError("no sound")
    is_mp3 = source.sound.codec == "mp3"
    output = folder / f"{RESULT_STEM}.{'mp3' if is_mp3 else 'm4a'}"
    container = (
        ("-id3v2_version", "3", "-f", "mp3") if is_mp3 else ("-movflags", "+faststart", "-f", "mp4")
    )
    arguments = [
        *("-map", f"0:{source.sound.index}", "-map_metadata", "-1", "-map_chapters", "-1"),
        *("-metadata", f"title={title}"),
        *(("-metadata", f"artist={performer}") if performer else ()),
        *sound_arguments(source.sound),
        *container,
    ]
    meter.begin(Stage.FINISH if source.sound.codec in COPIED_SOUND else Stage.CONVERT)
    run_ffmpeg([source.path], arguments, output, meter)
    return output
