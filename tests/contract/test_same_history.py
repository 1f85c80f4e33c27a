"""The same random calls to users, history, numbers, errors and quotas of both stores."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from tests.contract.same import alike, drawn
from tests.contract.stores import NOW, drop, open_stores
from tests.contract.test_history import HOSTILE, item
from userbot.domain.history import ErrorEntry, Mark
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.people import Ban, Preferences, Quota, Role
from userbot.domain.records import ENDS

STEPS = 400
USERS = 4
JOBS = 15  # that are talked about; few, so that calls meet what others did
TODAY = date(2030, 1, 1)
SHORT = [text for text in HOSTILE if len(text) < 1000]
CALLS = {
    "history.add": 12,
    "history.drop_files": 1,
    "history.forget_user": 0.3,
    "history.forget_before": 0.3,
    "errors.add": 4,
    "errors.forget_user": 0.2,
    "errors.forget_before": 0.2,
    "users.touch": 4,
    "users.set_preferences": 2,
    "users.set_role": 2,
    "users.set_ban": 2,
    "users.set_quota": 2,
    "users.forget": 1,
    "quotas.reserve": 6,
    "quotas.settle": 3,
    "quotas.release": 3,
    "quotas.forget_before": 0.3,
}


@pytest.mark.parametrize("seed", range(5))
async def test_both_stores_answer_alike(mongo_url, tmp_path, seed):
    play = Play(seed)
    async with open_stores("sqlite", tmp_path) as one, open_stores("mongo", tmp_path) as other:
        for step in range(STEPS):
            await compare(one, other, step, *play.call())
            if step % 5 == 0:
                await compare(one, other, step, *play.question())
        for user in range(USERS):
            await compare(one, other, STEPS, "history.export", (user,))
            await compare(one, other, STEPS, "users.find", (user,))
    await drop("mongo", tmp_path)


async def compare(one, other, step, name, arguments):
    port, _, method = name.partition(".")

    async def ask(stores, _number):
        return await getattr(getattr(stores, port), method)(*arguments)

    await alike((one, other), ask, step, name, arguments)


class Play:
    """Draws calls and questions."""

    def __init__(self, seed):
        self._random = Random(seed)
        self._now = NOW

    def call(self):
        draw = self._random
        self._now += timedelta(microseconds=draw.randrange(10**10))
        name = drawn(draw, CALLS)
        return name, getattr(self, "_" + name.replace(".", "_"))()

    def question(self):
        draw = self._random
        since, limit = self._moment(), draw.choice((0, 1, 3, 50))
        return draw.choice(
            (
                ("history.page", (self._user(), self._mark(), limit)),
                ("history.find", (self._user(), self._job())),
                ("history.find_files", (self._item().media,)),
                ("statistics.total", (since,)),
                ("statistics.by_day", (since,)),
                ("statistics.by_site", (since, limit)),
                ("statistics.by_user", (since, limit)),
                ("errors.recent", (limit,)),
                ("errors.counts", (since,)),
                ("errors.export", (self._user(),)),
                ("quotas.usage", (self._user(), self._day())),
                ("users.find", (self._user(),)),
                ("users.decided", ()),
            )
        )

    def _user(self):
        return self._random.randrange(USERS)

    def _job(self):
        draw = self._random
        return JobId(draw.choice((f"job{draw.randrange(JOBS)}", draw.choice(SHORT))))

    def _moment(self):
        return NOW + (self._now - NOW) * self._random.random()

    def _mark(self):
        return self._random.choice((None, Mark(self._moment(), self._job())))

    def _day(self):
        return TODAY + timedelta(days=self._random.randrange(3))

    def _item(self):
        draw = self._random
        return replace(
            item(draw.randrange(JOBS)),
            job_id=self._job(),
            user_id=self._user(),
            result=draw.choice(ENDS),
            ended_at=draw.choice((self._now, NOW)),
            site=draw.choice(("a", "b", draw.choice(SHORT))),
            media_id=draw.choice(("1", "2")),
            title=draw.choice(SHORT),
            kind=draw.choice((None, *MediaKind)),
            height=draw.choice((None, 720)),
            size_bytes=draw.randrange(2**40),
            duration_s=draw.random() * 1e4,
            file_ids=tuple(draw.sample(SHORT, draw.randrange(3))),
            is_shareable=draw.random() < 0.7,
            bot_id=draw.choice((1, 2**40)),
        )

    def _history_add(self):
        return (self._item(),)

    def _history_drop_files(self):
        return (self._item().media,)

    def _history_forget_user(self):
        return (self._user(),)

    def _history_forget_before(self):
        return (NOW + (self._now - NOW) / 4,)

    def _errors_add(self):
        draw = self._random
        label, text = draw.choice(("Down", "Gone", draw.choice(SHORT))), draw.choice(SHORT)
        at = draw.choice((self._now, NOW))
        return (ErrorEntry(self._job(), self._user(), at, label, text, text),)

    _errors_forget_user = _history_forget_user
    _errors_forget_before = _history_forget_before
    _users_forget = _history_forget_user

    def _users_touch(self):
        return self._user(), self._random.choice(SHORT), self._moment()

    def _users_set_preferences(self):
        draw = self._random
        kind, height = draw.choice((None, *MediaKind)), draw.choice((None, 720))
        return self._user(), Preferences(kind, height)

    def _users_set_role(self):
        return self._user(), self._random.choice(tuple(Role))

    def _users_set_ban(self):
        ban = Ban(self._moment(), self._random.choice(SHORT))
        return self._user(), self._random.choice((None, ban))

    def _users_set_quota(self):
        return self._user(), self._random.choice((None, Quota(5, None), Quota(None, 10**9)))

    def _quotas_reserve(self):
        draw = self._random
        quota = Quota(draw.choice((None, 1, 10)), draw.choice((None, 2000)))
        return self._user(), self._job(), self._day(), quota, draw.choice((0, 0, 500))

    def _quotas_settle(self):
        return self._user(), self._job(), self._day(), self._random.randrange(1000)

    def _quotas_release(self):
        return self._user(), self._job()

    def _quotas_forget_before(self):
        return (self._day(),)
