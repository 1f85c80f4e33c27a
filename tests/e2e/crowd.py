"""Many links in one chat, all tapped as their menus appear."""

import asyncio

from tests.e2e.stage import Stage
from tests.telegram_dc.wire import Message


async def serve_crowd(stage: Stage, chat: int, jobs: int, *, timeout_s: float) -> list[Message]:
    """Send so many links at once, tap the first quality of each menu, return the files.

    Raises TimeoutError when they are not all there in time.
    """
    links = [await stage.send_link("progressive", chat=chat, n=n) for n in range(jobs)]
    async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as tasks:
        served = [tasks.create_task(_serve(stage, chat, to, timeout_s)) for to in links]
    return [task.result() for task in served]


async def _serve(stage: Stage, chat: int, to: int, timeout_s: float) -> Message:
    menu = await stage.menu(to, chat=chat, timeout_s=timeout_s)
    await stage.press(menu, menu.buttons[0][0].data)
    return await stage.file(to, chat=chat, timeout_s=timeout_s)
