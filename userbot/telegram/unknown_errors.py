"""Errors that Pyrogram does not know yet go to the log.

Pyrogram appends them to a file in the working directory while it makes the exception. Where that
cannot be written, an OSError comes out instead, which everybody takes for a lost line.
"""

import logging
from typing import Any

from pyrogram.errors import RPCError

log = logging.getLogger(__name__)

_init = RPCError.__init__


def contain() -> None:
    """Make Pyrogram's errors without touching a file."""
    RPCError.__init__ = _without_file  # type: ignore[method-assign]  # vendor's


def _without_file(
    self: RPCError,
    value: Any = None,
    rpc_name: str | None = None,
    is_unknown: bool = False,
    is_signed: bool = False,
) -> None:
    if is_unknown:
        log.warning("an error of Telegram that Pyrogram does not know: %s of %s", value, rpc_name)
    _init(self, value, rpc_name, is_unknown=False, is_signed=is_signed)
