"""How much one person, one chat and everybody together may ask for in a short time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from userbot.domain.limits import Allowances, Operation, Rates
from userbot.domain.people import Role
from userbot.ports.volatile import Charge, RateLimiter
from userbot.services.access import Access


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something is asked for too often. It is worth another try in `wait_s` seconds."""

    operation: Operation
    wait_s: float


class Allowance:
    """Charges what people do, at every level in one step. Owners are free."""

    def __init__(self, limiter: RateLimiter, allowances: Allowances, access: Access) -> None:
        self._limiter = limiter
        self._allowances = allowances
        self._access = access

    async def charge(
        self,
        user_id: int,
        chat_id: int,
        costs: Mapping[Operation, int],
        *,
        is_group: bool = False,
        missed_at_s: float | None = None,
    ) -> Refusal | None:
        """Charge what somebody does in a chat; None: it may be done. Else nothing was charged.

        The operation that costs first is the one that a refusal names. A private chat is one
        person. A group may be its own user: what an admin does who shows no name. missed_at_s is
        when it was done (Unix time) while the bot was away: what was done in hours is not charged
        as if it were done in a moment.
        """
        role = self._access.role_of(user_id)
        if role is None:
            return None
        levels = dict(self._levels(role, user_id))
        if is_group:
            levels[f"chat:{chat_id}"] = self._allowances.chat
        charges = [
            charge
            for who, rates in levels.items()
            for charge in _charges(who, rates, costs, missed_at_s)
        ]
        wait_s = await self._limiter.charge(charges)
        return Refusal(next(iter(costs)), wait_s) if wait_s > 0 else None

    def _levels(self, role: Role, user_id: int) -> Iterator[tuple[str, Rates]]:
        allowances = self._allowances
        yield "all", allowances.everybody
        yield f"user:{user_id}", allowances.trusted if role is Role.TRUSTED else allowances.user


def _charges(
    who: str, rates: Rates, costs: Mapping[Operation, int], missed_at_s: float | None
) -> Iterator[Charge]:
    for operation, cost in costs.items():
        if (rate := rates.get(operation)) is not None:
            key = f"{who}:{operation}"
            if missed_at_s is not None:  # each window of that time has a count of its own
                key = f"{key}@{missed_at_s // rate.window_s:.0f}"
            yield Charge(key, rate.count, rate.window_s, cost)
