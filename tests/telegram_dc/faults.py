"""What goes wrong on purpose, all of it switchable while the server runs."""

from dataclasses import dataclass, field, fields
from typing import Any

from tests.telegram_dc.errors import ControlError, RpcError
from tests.telegram_dc.tl import documented_name

NOTIFICATION = "BAD_MSG_NOTIFICATION"  # instead of an rpc_error of this text


@dataclass
class MethodFault:
    method: str
    times: int
    code: int = 0  # 0: execute, then swallow the answer
    text: str = ""


@dataclass
class Faults:
    latency_ms: float = 0  # one way
    bandwidth_bytes_s: float = 0  # per connection, towards the server; 0: unlimited
    drop_after_bytes: int = 0  # the connection that receives the last of them is dropped; once
    refuse_connections: bool = False
    media_port: int = 0  # what the configuration names for media; 0: the data centre's own
    upload_connections: int = 0  # more of them (intermediate transport) are not let in; 0: any
    hiccup_code: int = 0  # transport error for every packet on those; 0: none
    unanswered_parts: int = 0  # the next N parts are lost
    premium_wait_parts: int = 0  # the next N parts are answered with FLOOD_PREMIUM_WAIT
    premium_wait_s: int = 3
    methods: list[MethodFault] = field(default_factory=list)

    def change(self, values: dict[str, Any]) -> None:
        """Raises ControlError for a name that does not exist."""
        known = {f.name for f in fields(self)} - {"methods"}
        if unknown := set(values) - known:
            raise ControlError(f"unknown faults: {sorted(unknown)}")
        for name, value in values.items():
            setattr(self, name, value)

    def add_method(self, fault: MethodFault) -> None:
        fault.method = documented_name(fault.method)
        self.methods.append(fault)

    def clear(self) -> None:
        self.__dict__.update(vars(Faults()))

    def refuse(self, method: str) -> None:
        """Raises what the next call of `method` shall be answered with, if anything."""
        fault = self._take(method, swallow=False)
        if fault is not None:
            raise RpcError(fault.code, fault.text)

    def swallows(self, method: str) -> bool:
        return self._take(method, swallow=True) is not None

    def part(self) -> bool:
        """False when this part shall be lost. Raises FLOOD_PREMIUM_WAIT when that is due."""
        if self.premium_wait_parts > 0:
            self.premium_wait_parts -= 1
            raise RpcError(420, f"FLOOD_PREMIUM_WAIT_{self.premium_wait_s}")
        if self.unanswered_parts > 0:
            self.unanswered_parts -= 1
            return False
        return True

    def _take(self, method: str, *, swallow: bool) -> MethodFault | None:
        for fault in self.methods:
            if fault.method == method and (fault.code == 0) is swallow:
                fault.times -= 1
                if fault.times <= 0:
                    self.methods.remove(fault)
                return fault
        return None
