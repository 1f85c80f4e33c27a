"""Who asks too often, or has had enough for a day, is told so: once, and when to try again."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from pyrogram import Client
from pyrogram.types import Message

from userbot.domain.jobs import Remedy, Request
from userbot.domain.limits import Operation
from userbot.services.access import Access
from userbot.services.allowance import Allowance
from userbot.services.quota import DailyQuota
from userbot.telegram import pace_words
from userbot.telegram.api import Api
from userbot.telegram.callbacks import (
    AgainPress,
    CancelPress,
    ChoicePress,
    FreshPress,
    ListCancelPress,
    Press,
    RemedyPress,
)
from userbot.telegram.messages import Presser, request_of, target_of

SILENCE = ""
TELL_EVERY_S = 10.0  # however short a wait is: refusals must not become a flood of their own
TELL_SPENT_EVERY_S = 300.0


class Pace:
    """Holds people to their limits: handlers ask before they do anything that costs.

    Strangers are counted in private alone, where /mydata answers them, and hear nothing of it.
    """

    def __init__(
        self,
        api: Api,
        access: Access,
        allowance: Allowance,
        quota: DailyQuota,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._access = access
        self._allowance = allowance
        self._quota = quota
        self._told = Told(clock)

    def command(
        self, handle: Callable[[Client, Message], Awaitable[None]]
    ) -> Callable[[Client, Message], Awaitable[None]]:
        """Return the handler of a command that does nothing for whoever asks too often."""

        async def paced(client: Client, message: Message) -> None:
            request = request_of(message)
            if request is None or not await self._is_held(request):
                await handle(client, message)

        return paced

    async def _is_held(self, request: Request) -> bool:
        """Charge a command; say whether it is not served."""
        if self._access.allows(request):
            return await self.slowed(request, Operation.COMMAND)
        if request.is_group:
            return False  # nothing happens there anyhow
        charge = self._allowance.charge
        costs = {Operation.COMMAND: 1}
        return await charge(request.user_id, request.chat_id, costs) is not None

    async def slowed(
        self,
        request: Request,
        operation: Operation,
        cost: int = 1,
        missed_at_s: float | None = None,
    ) -> bool:
        """Say whether a message is not served now. Its chat is told, but not each time.

        missed_at_s: see `Allowance.charge`.
        """
        refusal = await self._allowance.charge(
            *(request.user_id, request.chat_id, {operation: cost}),
            is_group=request.is_group,
            missed_at_s=missed_at_s,
        )
        if refusal is None:
            return False
        quiet_s = max(refusal.wait_s, TELL_EVERY_S)
        if not self._told.lately((request.chat_id, request.user_id, operation), quiet_s):
            await self._api.answer(
                pace_words.too_often(operation, refusal.wait_s, cost), target_of(request)
            )
        return True

    async def spent(self, request: Request, links: int) -> bool:
        """Say whether somebody can have no such number of links today. Told as in `slowed`."""
        spent = await self._quota.spent(request.user_id, links)
        if spent is None:
            return False
        reason = (spent.limit_bytes, spent.left)
        if not self._told.lately((request.chat_id, request.user_id, reason), TELL_SPENT_EVERY_S):
            await self._api.answer(pace_words.spent(spent), target_of(request))
        return True

    async def objection(self, presser: Presser, press: Press) -> str | None:
        """Return what pops up instead of what a press asks for; None: it is done.

        SILENCE when the person was told already. Cancel is free: it ends work, and in a group
        nobody is to be kept from it by others.
        """
        if isinstance(press, CancelPress | ListCancelPress):
            return None
        costs = {Operation.BUTTON: 1}
        is_download = _is_download(press)
        if is_download:
            costs = {Operation.DOWNLOAD: 1, **costs}
        refusal = await self._allowance.charge(
            presser.user_id, presser.chat_id, costs, is_group=presser.is_group
        )
        if refusal is not None:
            key = (presser.chat_id, presser.user_id, refusal.operation)
            is_known = self._told.lately(key, min(refusal.wait_s, TELL_EVERY_S))
            return SILENCE if is_known else pace_words.too_often(refusal.operation, refusal.wait_s)
        if not is_download:
            return None
        is_open = isinstance(press, ChoicePress | FreshPress)  # and counts already
        spent = await self._quota.spent(presser.user_id, 0 if is_open else 1)
        return pace_words.spent(spent) if spent else None


class Told:
    """Remembers for a while what somebody was told."""

    MAX_KEYS = 10_000

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    def lately(self, key: Hashable, seconds: float) -> bool:
        """Say whether key was told and its time is not over; else it is told now, for seconds."""
        now = self._clock()
        if self._until.get(key, now) > now:
            return True
        self._until.pop(key, None)
        self._until[key] = now + seconds
        if len(self._until) > self.MAX_KEYS:
            self._until.popitem(last=False)
        return False


def _is_download(press: Press) -> bool:
    if isinstance(press, RemedyPress):
        return press.remedy is not Remedy.TELL_OWNER
    if isinstance(press, FreshPress):
        return press.index is not None  # else it shows a menu
    return isinstance(press, ChoicePress | AgainPress)
