"""What the bot keeps about a person: shown to them whole, and deleted when they want it."""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from userbot.domain.people import Preferences
from userbot.domain.records import JobSummary
from userbot.errors import InfrastructureError
from userbot.ports.durable import Stores
from userbot.services.history import Chronicle

log = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=5)
MAX_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted of a person, and what stays: open links, and what the owner decided."""

    items: int
    open_jobs: int
    is_decided: bool = False


class Accounts:
    """Knows people, and lets them take their data with them. `now` is aware UTC."""

    def __init__(self, stores: Stores, chronicle: Chronicle, now: Callable[[], datetime]) -> None:
        self._stores = stores
        self._chronicle = chronicle
        self._now = now
        self._touched: OrderedDict[tuple[int, str], datetime] = OrderedDict()

    async def touch(self, user_id: int, name: str) -> None:
        """Keep that a person has written; a store that is away is no reason to fail."""
        now, key = self._now(), (user_id, name)
        if now - self._touched.get(key, now - TOUCH_EVERY) < TOUCH_EVERY:
            return
        self._remember(key, now)
        try:
            await self._stores.users.touch(user_id, name, now)
        except InfrastructureError as error:
            self._touched.pop(key, None)
            log.warning("it was not kept that somebody wrote: %r", error)

    async def preferences(self, user_id: int) -> Preferences:
        """Return what a person wants without being asked."""
        user = await self._stores.users.find(user_id)
        return user.preferences if user else Preferences()

    async def prefer(self, user_id: int, preferences: Preferences) -> None:
        """Keep what a person wants without being asked, from the next link on."""
        await self._stores.users.set_preferences(user_id, preferences)

    async def is_known(self, user_id: int) -> bool:
        """Say whether anything is kept about a person."""
        if await self._stores.users.find(user_id) is not None:
            return True
        return bool(await self._stores.history.page(user_id, None, 1))

    async def export(self, user_id: int) -> bytes:
        """Return everything that is kept about a person, as JSON."""
        now = self._now()
        user = await self._stores.users.find(user_id)
        history = await self._stores.history.export(user_id)
        usage = await self._stores.quotas.usage(user_id, now.date())
        errors = await self._stores.errors.export(user_id)
        unfinished = await self._stores.jobs.unfinished(user_id)
        everything = {
            "exported_at": now,
            "person": asdict(user) if user else {"id": user_id},
            "taken_today": asdict(usage),
            "open_links": [_open(job) for job in unfinished],
            "history": [asdict(item) for item in history],
            "errors": [asdict(entry) for entry in errors],
        }
        text = json.dumps(everything, ensure_ascii=False, indent=1, default=_plain)
        return text.encode(errors="replace")

    async def forget(self, user_id: int) -> Forgotten:
        """Delete what is kept about a person. Links that are open go on.

        Raises InfrastructureError when not all of it was deleted: the next try deletes the rest.
        """
        open_jobs = await self._stores.jobs.count_unfinished(user_id)
        self._chronicle.forgot(user_id, self._now())
        items = await self._stores.history.forget_user(user_id)
        await self._stores.errors.forget_user(user_id)
        await self._stores.users.forget(user_id)
        for key in [key for key in self._touched if key[0] == user_id]:
            del self._touched[key]
        is_decided = await self._stores.users.find(user_id) is not None
        return Forgotten(items, open_jobs, is_decided)

    def _remember(self, key: tuple[int, str], now: datetime) -> None:
        self._touched.pop(key, None)
        self._touched[key] = now
        if len(self._touched) > MAX_KNOWN:
            self._touched.popitem(last=False)


def _open(summary: JobSummary) -> dict[str, Any]:
    return {
        "link": summary.job.url,
        "title": summary.title,
        "state": summary.state.value,
        "sent_at": summary.created_at,
        "chat_id": summary.job.request.chat_id,
    }


def _plain(value: object) -> str:
    """Return what JSON has no form for: times."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
