"""The methods the data centre knows, one room per family; `execute` runs one."""

import time
from typing import Any

from pyrogram.raw.core import FutureSalt, FutureSalts

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.errors import bad
from tests.telegram_dc.rpc import account, chats, edits, media, messages, updates
from tests.telegram_dc.rpc.call import Call, Handler, check_login

__all__ = ["Call", "check_login", "execute", "future_salts", "unwrapped", "wants_updates"]

_HANDLERS: dict[str, Handler] = {
    tl.method_name(function): handler
    for room in (account, chats, edits, media, messages, updates)
    for function, handler in room.HANDLERS.items()
}
_WITHOUT_LOGIN = {
    "help.getConfig",
    "help.getNearestDc",
    "auth.importBotAuthorization",
    "auth.importAuthorization",
    "auth.bindTempAuthKey",
}
_DAY_S = 86_400


async def execute(call: Call, query: Any) -> Any:
    """The answer to a call. Raises RpcError for a refusal, METHOD_INVALID for an unknown method
    (which is also recorded as a violation)."""
    auth = call.session.auth
    if not auth.initialised:
        raise bad("CONNECTION_NOT_INITED")
    if call.method not in _WITHOUT_LOGIN:
        check_login(auth)
    handler = _HANDLERS.get(call.method)
    if handler is None:
        call.server.journal.violation("unknown_method", call.method)
        raise bad("METHOD_INVALID")
    return await handler(call, query)


def unwrapped(auth: AuthKey, request: Any) -> tuple[Any, bool]:
    """The call inside of invokeWith..., and whether the session may get updates."""
    updates_wanted = True
    functions = tl.functions
    while True:
        if isinstance(request, functions.InitConnection):
            auth.initialised = True
        elif isinstance(request, functions.InvokeWithoutUpdates):
            updates_wanted = False
        elif not isinstance(request, (functions.InvokeWithLayer, functions.InvokeAfterMsg)):
            return request, updates_wanted
        request = request.query


def wants_updates(method: str) -> bool:
    """False for the calls that a connection for files makes as well."""
    return not method.startswith(("upload.", "help.", "auth."))


def future_salts(auth: AuthKey, message_id: int) -> Any:
    now = int(time.time())
    salt = FutureSalt(now - _DAY_S, now + _DAY_S, auth.salt)
    return FutureSalts(message_id, now, [salt])
