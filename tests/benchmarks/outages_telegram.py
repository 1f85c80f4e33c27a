"""Telegram goes away in the middle of an upload: it goes on with what is missing.

Every connection is reset, or becomes a black hole, while a video of some size is being uploaded by
the whole bot. It has to be delivered once, whole, and no part that Telegram has is sent again but
those that were on their way.
"""

from pathlib import Path

from tests.benchmarks.kill_matrix import say
from tests.e2e import stage as stages
from tests.e2e.stage import Stage
from tests.video_site import VideoSite

PART_BYTES = 512 * 1024
IN_FLIGHT = 32  # parts that no answer came for: two for each of the 16 connections
SIZE_MIB = 256
SLOW_BYTES_S = 400_000  # for each connection: some are under way when the line goes
BACK_S = 180.0  # for the rest of the upload


async def play(site: VideoSite, home: Path, outage_s: float) -> bool:
    """Have both kinds of outage, say how they went, and whether both were well."""
    goods = []
    for refused in (True, False):
        kind = "reset" if refused else "black hole"
        async with stages.alone(site, home / kind.replace(" ", "-")) as stage:
            stage.user = stages.FRIENDS[0]
            goods.append(await _outage(stage, kind, outage_s, refused=refused))
    return all(goods)


async def _outage(stage: Stage, kind: str, outage_s: float, *, refused: bool) -> bool:
    to = await stage.send_link("big", size=SIZE_MIB)
    await stage.dc.faults(bandwidth_bytes_s=SLOW_BYTES_S)
    menu = await stage.pick(to, "MB")
    await stage.status(to, "Uploading", timeout_s=BACK_S)
    before = await _parts(stage)
    await stage.dc.outage(outage_s, refused=refused)
    file = await stage.file(to, timeout_s=outage_s + BACK_S)
    assert file.media is not None
    await stage.dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted, timeout_s=60)
    total, sent = -(-file.media.size // PART_BYTES), await _parts(stage)
    files = (await stage.dc.delivered())[stage.user, to]
    is_whole = file.media.size == SIZE_MIB * 1024 * 1024
    say(
        f"{kind} of {outage_s:.0f} s after {before} of {total} parts: {sent} parts sent in all, "
        f"{files} delivered, {'whole' if is_whole else 'DAMAGED'}"
    )
    return before < total and sent - total <= IN_FLIGHT and files == 1 and is_whole


async def _parts(stage: Stage) -> int:
    return (await stage.dc.stats()).rpc.get("upload.saveBigFilePart", 0)
