"""The whole play on loopback: a Telegram, a video site and the unmodified `run.py` between them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.telegram_dc import control as telegram_dc
from tests.telegram_dc.control import DataCentre
from tests.telegram_dc.wire import Answer, Message
from tests.video_site.client import VideoSite

ROOT = Path(__file__).parents[2]
OWNER, BOB, EVE = 1001, 1002, 1003
FRIENDS = tuple(range(2001, 2201))  # one for each test, so that no test eats another's budget
GROUP = -1002147483900
STOP_TIMEOUT_S = 30


@dataclass
class Stage:
    """A running bot, whose owner is OWNER, with everything around it."""

    dc: DataCentre
    site: VideoSite
    home: Path
    process: asyncio.subprocess.Process
    env: dict[str, str] = field(repr=False)
    user: int = OWNER  # who speaks, in their private chat, when a test does not say

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def jobs(self) -> list[Path]:
        """The job folders there are."""
        return sorted((self.home / "data/jobs").iterdir())

    def log(self) -> str:
        return (self.home / "bot.log").read_text()

    async def say(self, text: str, *, chat=None, sender=None, **more) -> int:
        return await self.dc.say(chat or self.user, text, sender=sender or self.user, **more)

    async def send_link(self, name: str, *, chat=None, sender=None, **query) -> int:
        return await self.say(self.site.url_of(name, **query), chat=chat, sender=sender)

    async def status(self, to: int, text: str = "", *, chat=None, timeout_s=30) -> Message:
        """The status message that answers message `to`, once it contains text."""
        return await self.dc.wait_message(
            chat or self.user,
            lambda m: m.out and m.reply_to == to and not is_file(m) and text in m.text,
            timeout_s=timeout_s,
        )

    async def menu(self, to: int, *, chat=None, timeout_s=30) -> Message:
        return await self.dc.wait_message(
            chat or self.user,
            lambda m: m.out and m.reply_to == to and is_menu(m),
            timeout_s=timeout_s,
        )

    async def pick(self, to: int, button: str, *, chat=None, sender=None) -> Message:
        """Wait for the menu under message `to` and press the first button with these words."""
        menu = await self.menu(to, chat=chat)
        await self.press(menu, menu.button(button).data, sender=sender)
        return menu

    async def press(
        self, message: Message, data: bytes | None, *, sender: int | None = None
    ) -> Answer:
        return await self.dc.press(
            message.chat_id, message.id, sender=sender or self.user, data=data
        )

    async def file(self, to: int, *, chat=None, timeout_s=60) -> Message:
        """The delivered file that answers message `to`."""
        return await self.dc.wait_message(
            chat or self.user,
            lambda m: m.out and m.reply_to == to and is_file(m),
            timeout_s=timeout_s,
        )

    async def deliver(self, name: str, button: str = "p", **query) -> Message:
        to = await self.send_link(name, **query)
        await self.pick(to, button)
        return await self.file(to)

    async def cancel(self, to: int, *, chat=None, sender=None) -> None:
        status = await self.dc.wait_message(
            chat or self.user,
            lambda m: m.out and m.reply_to == to and bool(m.buttons),
            timeout_s=20,
        )
        data = status.button("Cancel").data
        await self.press(status, data, sender=sender)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def child(self, module: str) -> psutil.Process:
        """The process that the bot started as `python -m module`."""
        children = psutil.Process(self.pid).children()
        (found,) = (child for child in children if module in child.cmdline())
        return found

    def workers(self) -> list[psutil.Process]:
        """The processes of calls: all descendants but the fork server and the proxy."""
        bot = psutil.Process(self.pid)
        own = {child.pid for child in bot.children()}
        return [process for process in bot.children(recursive=True) if process.pid not in own]

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_TIMEOUT_S):
            return await self.process.wait()

    async def stop_at_once(self, mark: Path) -> None:
        """Ask twice, as somebody without patience does: the second time when mark is there."""
        self.process.send_signal(signal.SIGTERM)
        await until(mark.exists, "the first signal is taken")
        await self.stop(signal.SIGTERM)


def is_menu(message: Message) -> bool:
    """Whether qualities are offered."""
    return any((button.data or b"").startswith(b"q:") for row in message.buttons for button in row)


def is_working(message: Message) -> bool:
    """Whether a job is open: it can be cancelled."""
    return any(button.text == "Cancel" for row in message.buttons for button in row)


def is_file(message: Message) -> bool:
    return message.media is not None and message.media.kind != "photo"


@asynccontextmanager
async def running(dc: DataCentre, site: VideoSite, home: Path, **settings) -> AsyncIterator[Stage]:
    """Run the bot until the end of the block. Settings are environment variables."""
    stage = await spawn(dc, site, home, **settings)
    try:
        await online(stage)
        yield stage
        await stage.stop()
    finally:
        if stage.process.returncode is None:
            stage.process.kill()
            await stage.process.wait()


async def spawn(dc: DataCentre, site: VideoSite, home: Path, **settings) -> Stage:
    """Start the bot, and do not wait until it is there. Somebody else ends it."""
    home.mkdir(parents=True, exist_ok=True)
    env = environment(dc, home, **settings)
    with (home / "bot.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("run.py", "--env-file", str(home / "none.env")),
            cwd=ROOT,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return Stage(dc, site, home, process, env)


def environment(dc: DataCentre, home: Path, **settings) -> dict[str, str]:
    """The environment of a bot that keeps its files in home."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_RUN")},
        "API_ID": str(dc.api_id),
        "API_HASH": dc.api_hash,
        "BOT_TOKEN": dc.bot_token,
        "OWNER_IDS": str(OWNER),
        "AUTHORIZED_CHATS": str(GROUP),
        "AUTHORIZED_USERS": ",".join(map(str, FRIENDS)),
        "TELEGRAM_SERVER": dc.address,
        "TELEGRAM_PUBLIC_KEY": str(dc.public_key),
        "DATA_DIR": str(home / "data"),
        "SESSIONS_DIR": str(home / "sessions"),
        "EGRESS_ALLOW": "127.0.0.1",
        "DRAIN_S": "0",
        **{name: str(value) for name, value in settings.items()},
    }


@asynccontextmanager
async def alone(site: VideoSite, home: Path, **settings) -> AsyncIterator[Stage]:
    """Run a bot with a data centre of its own: two bots of one login would share every update."""
    async with telegram_dc.running(home / "dc") as dc:
        await people_in(dc, FRIENDS[:10])
        async with running(dc, site, home / "bot", **settings) as stage:
            yield stage


async def people_in(dc: DataCentre, friends: Sequence[int] = FRIENDS) -> None:
    """Fill a data centre with the people whom the settings of `running` know, and EVE."""
    for user_id in (OWNER, BOB, EVE, *friends):
        await dc.user(user_id, f"User {user_id}")
    await dc.group(GROUP, "Film club", members=[OWNER, BOB, *friends])


async def until(claim: Callable[[], bool], what: str, *, timeout_s: float = 20) -> None:
    """Wait for something that tells nobody when it comes, such as the end of a process."""
    try:
        async with asyncio.timeout(timeout_s):
            while not claim():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"not within {timeout_s} s: {what}") from None


def job_of(message: Message) -> str:
    """The id of the job that a status message belongs to, and the name of its folder."""
    data = message.button("Cancel").data
    assert data is not None
    return data.decode().partition(":")[2]


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def online(stage: Stage) -> None:
    """Wait until Telegram has the bot. Raises RuntimeError when it ends instead."""
    async with asyncio.TaskGroup() as tasks:
        there = tasks.create_task(stage.dc.wait_online(60))
        died = tasks.create_task(stage.process.wait())
        await asyncio.wait({there, died}, return_when=asyncio.FIRST_COMPLETED)
        there.cancel()
        died.cancel()
    if stage.process.returncode is not None:
        raise RuntimeError(f"the bot ended at once:\n{stage.log()[-3000:]}")


def probe(path: Path) -> dict[str, object]:
    """What a player sees of a file."""
    import av

    with av.open(str(path)) as container:
        video = container.streams.video[0] if container.streams.video else None
        return {
            "duration": (container.duration or 0) / 1e6,
            "width": video.width if video else 0,
            "height": video.height if video else 0,
            "video": video.codec_context.name if video else None,
            "audio": [stream.codec_context.name for stream in container.streams.audio],
        }


def is_faststart(path: Path) -> bool:
    """Whether the index stands before the data."""
    content = path.read_bytes()
    return content.find(b"moov") < content.find(b"mdat")


def dump(value: object) -> str:
    return json.dumps(value, default=str, indent=1)
