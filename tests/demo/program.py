"""The demo from its first word to its last: who starts what, and which exit code comes of it."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from tests.demo import folders, script, stage, talk
from tests.demo.conversation import Conversation
from tests.demo.interrupts import Interrupts
from tests.demo.qualities import is_quality
from tests.demo.screen import Line, Look, Screen, own_screen
from tests.demo.suggestions import Links
from tests.telegram_dc import DataCentreError
from tests.video_site import SiteError

TOTAL_TIMEOUT_S = 600  # of a demo that nobody watches
EXIT_FAILED = 1
EXIT_USAGE = 2
PROBLEMS = (stage.BotEndedError, DataCentreError, SiteError, OSError)


def run(options: argparse.Namespace) -> int:
    """Do what the options ask; return the exit code."""
    if not is_quality(options.quality):
        sys.stderr.write("--quality: best, worst, audio or a height such as 720p\n")
        return EXIT_USAGE
    screen = own_screen()
    interrupts = Interrupts()
    try:
        exit_code = asyncio.run(_demo(options.link, options.quality, screen, interrupts))
    except asyncio.CancelledError:
        exit_code = interrupts.exit_code
    except ExceptionGroup as group:
        exit_code = _explain(group, screen)
    except PROBLEMS as error:
        exit_code = _explain(ExceptionGroup("", [error]), screen)
    return exit_code


async def _demo(link: str | None, quality: str, screen: Screen, interrupts: Interrupts) -> int:
    with interrupts.caught(), folders.run_folder() as home, folders.delivered(screen) as delivered:
        if link is None:
            return await _play(None, quality, screen, home, delivered)
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                return await _play(link, quality, screen, home, delivered)
        except TimeoutError:
            screen.say(Line(f"No video within {TOTAL_TIMEOUT_S // 60} minutes.", Look.BOLD))
            return EXIT_FAILED


async def _play(link: str | None, quality: str, screen: Screen, home: Path, delivered: Path) -> int:
    started_at = time.monotonic()
    screen.say(
        Line("The real bot, with a Telegram and a video site that run on this machine only."),
        Line("Starting them. The first time takes longer: the site makes its videos.", Look.DIM),
    )
    async with stage.running(home) as ready, asyncio.TaskGroup() as tasks:
        took_s = time.monotonic() - started_at
        screen.say(Line(f"Ready after {took_s:.1f} s.", Look.DIM))
        links = Links(ready.site)
        conversation = Conversation(ready.dc, screen, tasks, links, delivered)
        following = tasks.create_task(conversation.follow())
        try:
            if link is not None:
                return await script.play(conversation, links.url_of(link) or link, quality)
            return await talk.play(conversation, links, screen)
        finally:
            following.cancel()
            screen.settle()


def _explain(group: ExceptionGroup[Exception], screen: Screen) -> int:
    """Say in a sentence what a person can make sense of; what else there is goes up."""
    known, unknown = group.split(PROBLEMS)
    if unknown is not None:
        raise unknown
    error: BaseException | None = known
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BrokenPipeError):  # whoever read along has left
        screen.mute()
        return EXIT_FAILED
    screen.settle()
    sys.stderr.write(f"The demo cannot go on: {error}\n")
    return EXIT_FAILED
