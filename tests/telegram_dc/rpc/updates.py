"""Updates for a client that was away: https://core.telegram.org/api/updates."""

import time
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.model import Logged
from tests.telegram_dc.rpc.call import Call, Handler, member_channel

_SLICE = 500
_MAX_CHANNEL = 1000


async def _state(call: Call, _query: Any) -> Any:
    return _current_state(call, call.world.log.pts)


async def _difference(call: Call, query: Any) -> Any:
    log = call.world.log
    missed = log.after(query.pts)
    if not missed:
        return tl.types.updates.DifferenceEmpty(date=int(time.time()), seq=0)
    page = missed[:_SLICE]
    parts = _parts(call, page) | {"new_encrypted_messages": []}
    if len(missed) > len(page):
        state = _current_state(call, page[-1].pts)
        return tl.types.updates.DifferenceSlice(intermediate_state=state, **parts)
    return tl.types.updates.Difference(state=_current_state(call, log.pts), **parts)


async def _channel_difference(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    missed = chat.log.after(query.pts)
    if not missed:
        return tl.types.updates.ChannelDifferenceEmpty(pts=chat.log.pts, final=True)
    page = missed[: max(1, min(query.limit, _MAX_CHANNEL))]
    return tl.types.updates.ChannelDifference(
        pts=page[-1].pts, final=len(page) == len(missed) or None, **_parts(call, page)
    )


def _current_state(_call: Call, pts: int) -> Any:
    return tl.types.updates.State(pts=pts, qts=0, date=int(time.time()), seq=0, unread_count=0)


def _parts(call: Call, entries: list[Logged]) -> dict[str, Any]:
    """New messages apart from other updates; what was deleted meanwhile is not new any more."""
    new, other = [], []
    for entry in entries:
        update = render.update(call.world, entry)
        if update is None:
            continue
        if entry.kind == "new":
            new.append(update.message)
        else:
            other.append(update)
    users, chats = render.around(call.world, entries)
    return {"new_messages": new, "other_updates": other, "users": users, "chats": chats}


HANDLERS: dict[Any, Handler] = {
    tl.functions.updates.GetState: _state,
    tl.functions.updates.GetDifference: _difference,
    tl.functions.updates.GetChannelDifference: _channel_difference,
}
