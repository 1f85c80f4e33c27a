"""Trouble on purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.faults import MethodFault
from tests.telegram_dc.server import Server
from tests.telegram_dc.transport import Link

_DROP: dict[str, Callable[[Link], bool]] = {
    "all": lambda _link: True,
    "parts": lambda link: link.carried_parts,
    "main": lambda link: link.is_main,
}


@dataclass
class Trouble:
    server: Server

    async def faults(self, **values: Any) -> None:
        self.server.faults.change(values)

    async def clear_faults(self) -> None:
        self.server.faults.clear()
        self.server.outage.end()

    async def outage(self, seconds: float, *, refused: bool) -> None:
        self.server.outage.begin(seconds, refused=refused)

    async def end_outage(self) -> None:
        self.server.outage.end()

    async def largest_file(self, size_bytes: int | None) -> None:
        self.server.files.largest_bytes = size_bytes

    async def fail_calls(self, method: str, times: int, code: int, text: str) -> None:
        self.server.faults.add_method(MethodFault(method, times, code, text))

    async def swallow_answers(self, method: str, times: int) -> None:
        self.server.faults.add_method(MethodFault(method, times))

    async def drop_connections(self, which: str) -> int:
        if which not in _DROP:
            raise ControlError(f"drop all, parts or main; not {which}")
        chosen = [link for link in self.server.links if _DROP[which](link)]
        for link in chosen:
            link.abort()
        return len(chosen)

    async def flood_limits(self, **values: Any) -> None:
        limits = self.server.flood.limits
        for name, value in values.items():
            if not hasattr(limits, name):
                raise ControlError(f"no flood limit {name}")
            setattr(limits, name, value)

    async def clear_flood(self) -> None:
        self.server.flood.clear()

    async def rotate_salts(self) -> None:
        self.server.keys.rotate_salts()

    async def forget_auth_keys(self) -> None:
        """Every session file becomes worthless, as when Telegram ends a session."""
        self.server.keys.forget_all()
        await self.drop_connections("all")

    async def forget_random_ids(self) -> None:
        self.server.world.random_ids.clear()

    async def expire_file_references(self) -> None:
        self.server.world.expire_file_references()

    async def expire_parts(self) -> None:
        self.server.files.expire_parts()
