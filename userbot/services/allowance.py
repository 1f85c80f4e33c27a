"""How much one person, one chat and everybody together may ask for in a short time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from userbot.domain.limits import Allowances, Operation, Rates
from userbot.domain.people import Role
from userbot.ports.volatile import Charge, RateLimiter
from userbot.services.people import People


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something is asked for too often. It is worth another try in `wait_s` seconds."""

    operation: Operation
    wait_s: float


class Allowance:
    """Charges what people do, at every level in one step. Owners are free."""

    def __init__(self, limiter: RateLimiter, allowances: Allowances, people: People) -> None:
        self._limiter = limiter
        self._allowances = allowances
        self._people = people

    async def charge(
        self,
        user_id: int,
        chat_id: int,
        costs: Mapping[Operation, int],
        *,
        is_group: bool = False,
    ) -> Refusal | None:
        """Charge what somebody does in a chat; None: it may be done. Else nothing was charged.

        The operation that costs first is the one that a refusal names. A private chat is one
        person. A group may be its own user: what an admin does who shows no name.
        """
        role = await self._people.role_of(user_id)
        if role is None:
            return None
        charges = list(self._charges(role, user_id, costs))
        if is_group:
            charges += _level(f"chat:{chat_id}", self._allowances.chat, costs)
        wait_s = await self._limiter.charge(charges)
        return Refusal(next(iter(costs)), wait_s) if wait_s > 0 else None

    def _charges(
        self, role: Role, user_id: int, costs: Mapping[Operation, int]
    ) -> Iterator[Charge]:
        allowances = self._allowances
        own = allowances.trusted if role is Role.TRUSTED else allowances.user
        yield from _level("all", allowances.everybody, costs)
        yield from _level(f"user:{user_id}", own, costs)


def _level(who: str, rates: Rates, costs: Mapping[Operation, int]) -> Iterator[Charge]:
    for operation, cost in costs.items():
        if (rate := rates.get(operation)) is not None:
            yield Charge(f"{who}:{operation}", rate.count, rate.window_s, cost)
