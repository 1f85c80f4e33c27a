"""Calls that behave and calls that do not, for the tests of the pool. Run in worker processes.

A call is "name" or "name argument": the link of an extraction, the info JSON of a download.
"""

import itertools
import json
import os
import signal
import struct
import sys
import time
from dataclasses import replace
from pathlib import Path

from userbot.domain.calls import ExtractCall
from userbot.domain.jobs import Progress, Stage
from userbot.domain.media import Extraction, MediaFile, MediaKind, Thumbnail
from userbot.errors import GeoBlockedError, TooLargeError
from userbot.wire import Empty, encode_word, frame


def run(call, emit):
    text = call.url if isinstance(call, ExtractCall) else call.info_json
    name, _, argument = text.partition(" ")
    return CALLS[name](call, emit, argument)


def warm():
    """Nothing to warm: these calls are quick."""


def fail_to_warm():
    raise RuntimeError("no such extractor")


def extraction(cover=None, title="A title"):
    return Extraction(
        extractor="test",
        media_id="1",
        title=title,
        page_url="http://x/",
        formats=(),
        info_json="{}",
        cover=cover,
    )


def media_file(path, size_bytes=None, thumbnail=None):
    return MediaFile(
        kind=MediaKind.VIDEO,
        path=path,
        size_bytes=path.stat().st_size if size_bytes is None else size_bytes,
        duration_s=1.5,
        width=64,
        height=36,
        has_audio=True,
        mime_type="video/mp4",
        is_streamable=True,
        title="A title",
        thumbnail=thumbnail,
    )


def video(folder):
    path = folder / "video.mp4"
    path.write_bytes(b"x" * 1000)
    return media_file(path)


def answer(call, emit, argument):
    return extraction() if isinstance(call, ExtractCall) else video(call.folder)


def echo(call, emit, argument):
    return extraction(title=argument)


def large(call, emit, argument):
    return replace(extraction(), info_json="x" * int(argument))


def answer_extraction(call, emit, argument):
    return extraction()


def count(call, emit, argument):
    for number in range(int(argument)):
        emit(Progress(Stage.DOWNLOAD, done_bytes=number))
    return video(call.folder)


def surroundings(call, emit, argument):
    """Tell what the process has: who it is, what it may, what it sees."""
    autogroup = Path("/proc/self/autogroup")
    facts = {
        "environ": Path("/proc/self/environ").read_bytes().decode(),
        "variables": dict(os.environ),
        "cwd": str(Path.cwd()),
        "files": {name: target(name) for name in open_files()},
        "status": Path("/proc/self/status").read_text(),
        "limits": Path("/proc/self/limits").read_text(),
        "nice": os.nice(0),
        "autogroup": autogroup.read_text() if autogroup.exists() else "",
        "session": os.getsid(0) == os.getpid(),
        "umask": os.umask(0o077),
        "proxy": call.proxy,
        "is_yt_dlp_loaded": "yt_dlp.extractor.youtube" in sys.modules,
    }
    return replace(extraction(), info_json=json.dumps(facts))


def open_files():
    return [name for name in os.listdir("/proc/self/fd") if Path(f"/proc/self/fd/{name}").exists()]  # noqa: PTH208


def target(name):
    return str(Path(f"/proc/self/fd/{name}").readlink())


def note(folder, name, text):
    """Write a file that a test waits for, whole at once."""
    fresh = folder / f".{name}"
    fresh.write_text(text)
    fresh.rename(folder / name)


def hang(call, emit, argument):
    note(call.folder, "worker", str(os.getpid()))
    note(call.folder, "guard", str(os.getppid()))
    time.sleep(600)


def escape(call, emit, argument):
    """Leave a process that is in a session of its own and nobody's child, then hang."""
    begin_escaped(call.folder, "escaped")
    return hang(call, emit, argument)


def begin_escaped(folder, name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            note(folder, name, str(os.getpid()))
            while True:
                (folder / "alive").write_text(str(time.monotonic()))
                time.sleep(0.01)
        os._exit(0)
    while not (folder / name).exists():
        time.sleep(0.01)


def leave(call, emit, argument):
    """Answer, but leave an escaped process."""
    begin_escaped(call.folder, "escaped")
    return answer(call, emit, argument)


def chain(call, emit, argument):
    """Be a chain of processes, each of which forks the next and ends."""
    note(call.folder, "worker", str(os.getpid()))
    if os.fork() == 0:
        os.setsid()
        while True:
            if os.fork():
                os._exit(0)
    time.sleep(600)


def drip(call, emit, argument):
    """Write 4 kB a second, for so many seconds, and say nothing."""
    until = time.monotonic() + float(argument)
    with (call.folder / "drip").open("wb", buffering=0) as file:
        while time.monotonic() < until:
            file.write(b"x" * 200)
            time.sleep(0.05)
    return video(call.folder)


def trickle(call, emit, argument):
    """Write a byte now and then, and talk of many, in a stage, for ever."""
    emit(Progress(Stage(argument)))
    with (call.folder / "drip").open("wb", buffering=0) as file:
        for number in itertools.count(1):
            file.write(b"x")
            emit(Progress(Stage(argument), done_bytes=number * 1_000_000))
            time.sleep(0.05)


def fill(call, emit, argument):
    """Write without end into many files, each below the limit."""
    for number in range(10_000):
        (call.folder / str(number)).write_bytes(b"x" * 100_000)
        time.sleep(0.01)


def one_file(call, emit, argument):
    (call.folder / "big.mp4").write_bytes(b"x" * int(argument))
    return media_file(call.folder / "big.mp4")


def big(call, emit, argument):
    """Write one file beyond what the kernel was told."""
    with (call.folder / "big.mp4").open("wb", buffering=0) as file:
        written = 0
        while written < int(argument):
            written += file.write(b"x" * (int(argument) - written))
    return media_file(call.folder / "big.mp4")


def raises(call, emit, argument):
    raise {
        "geo": GeoBlockedError("not in your country"),
        "large": TooLargeError(7, 5),
        "bug": KeyError("formats"),
        "memory": MemoryError(),
        "disk": OSError(28, "No space left on device"),
        "exit": SystemExit(3),
    }[argument]


def eat(call, emit, argument):
    return extraction(title=str(len(b"x" * (4 * 1024**3))))


def die(call, emit, argument):
    os.kill(os.getpid(), int(argument))


def wrong_type(call, emit, argument):
    return {"title": "x"}


def surrogate(call, emit, argument):
    return extraction(title="\ud800")


def forged_path(call, emit, argument):
    target = Path(argument)
    link = call.folder / "link.mp4"
    link.symlink_to(target)
    return {
        "outside": lambda: media_file(target),
        "link": lambda: media_file(link),
    }[call.choice.format_ids[0]]()


def hard_link(call, emit, argument):
    path = call.folder / "hard.mp4"
    path.hardlink_to(argument)
    return media_file(path)


def missing_thumbnail(call, emit, argument):
    return replace(video(call.folder), thumbnail=Thumbnail(call.folder / "no.jpg", 1, 1))


def directory(call, emit, argument):
    return media_file(call.folder)


def wrong_size(call, emit, argument):
    return replace(video(call.folder), size_bytes=1)


def fifo(call, emit, argument):
    os.mkfifo(call.folder / "fifo")
    return media_file(call.folder / "fifo")


def forged_cover(call, emit, argument):
    return extraction(cover=Path(argument))


def raw(call, emit, argument):
    """Write bytes of one's own to the guard, then hang: whoever believes them believes anything."""
    pipe = next(int(name) for name in open_files() if is_writable_pipe(name))
    data = {
        "huge": struct.pack("!I", 0xFFFFFFFF) + b"x" * 100_000,
        "garbage": frame(b"\xff\x00 no JSON"),
        "binary": os.urandom(1_000_000),
        "empty": frame(encode_word(Empty("exit 0"))),
        "nothing": frame(b""),
        "injection": frame(b'{}}g{"how":"exit 0"}'),
        "unknown": frame(b'{"type":"SystemExit","args":[]}'),
        "arguments": frame(b'{"type":"TooLargeError","args":["a","b"]}'),
        "long": frame(json.dumps({"type": "DrmError", "args": ["x" * 100_000]}).encode()),
        "types": frame(b'{"stage":"download","done_bytes":"1"}'),
        "nan": frame(b'{"stage":"download","speed_bytes_s":NaN}'),
        "deep": frame(b"[" * 1_000_000),
    }[argument]
    while data:
        data = data[os.write(pipe, data) :]
    time.sleep(600)


def is_writable_pipe(name):
    flags = Path(f"/proc/self/fdinfo/{name}").read_text().split("flags:")[1].split()[0]
    return target(name).startswith("pipe:") and int(flags, 8) & 3 == 1


def flood(call, emit, argument):
    """Talk as fast as a process can, for ever."""
    while True:
        emit(Progress(Stage.DOWNLOAD, done_bytes=1))


def reach_guard(call, emit, argument):
    """Look for a socket to speak to the bot by."""
    sockets = [name for name in open_files() if target(name).startswith("socket:")]
    assert not sockets, sockets
    return extraction()


CALLS = {
    name: function
    for name, function in globals().items()
    if callable(function) and getattr(function, "__module__", None) == __name__
}
