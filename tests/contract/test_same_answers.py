"""The same random calls to both stores get the same answers."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.contract.same import alike, drawn
from tests.contract.stores import CHOICE, MINUTE, NOW, drop, extraction, job, media_file, open_jobs
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, FairLimits, JobState, Lane
from userbot.errors import SiteDownError, TooLargeError, TooManyJobsError

STEPS = 220
NUMBERS = 25  # jobs that are talked about; few, so that calls meet what others did
USERS = 5
WEIGHTS = {
    "add": 8,
    "claim": 10,
    "pick": 8,
    "save": 4,
    "release": 8,
    "renew": 1,
    "note_status": 1,
    "note_upload": 1,
    "note_cancel": 1,
    "end": 3,
    "reopen": 3,
    "note_told": 1,
    "hasten": 2,
    "give_up_claims": 0.5,
    "forget_ended": 0.5,
}


@pytest.mark.parametrize("seed", range(4))
async def test_both_stores_answer_alike(mongo_url, tmp_path, seed):
    play = Play(seed)
    async with open_jobs("sqlite", tmp_path) as one, open_jobs("mongo", tmp_path) as other:
        for step in range(STEPS):
            play.note(*await act((one, other), step, *play.call()))
            if step % 10 == 0:
                await compare((one, other), step, play.now)
        await compare((one, other), STEPS, play.now)
    await drop("mongo", tmp_path)


async def act(stores, step, name, make):
    async def ask(store, number):
        return await answer(store, name, make(number))

    return name, await alike(stores, ask, step, name)


async def answer(store, name, arguments):
    positional, named = arguments
    try:
        return await getattr(store, name)(*positional, **named)
    except TooManyJobsError as error:
        return ("too many", error.limit)
    except RuntimeError:
        return "two jobs with one id"


async def compare(stores, step, now):
    for name, arguments in questions(now):

        async def ask(store, _number, name=name, arguments=arguments):
            return await getattr(store, name)(*arguments)

        await alike(stores, ask, step, name, arguments)


def questions(now):
    """Everything that can be asked."""
    asked: list[tuple[str, tuple[object, ...]]] = [("untold", ()), ("unfinished", ())]
    asked += [("unfinished", (user,)) for user in range(USERS)]
    asked += [("count_unfinished", (user,)) for user in range(USERS)]
    asked += [("places", (lane, now, limit)) for lane in Lane for limit in (3, 10**6)]
    for number in range(NUMBERS):
        asked += [("find", (f"job{number}",)), ("position", (f"job{number}", now))]
    return asked


class Play:
    """Draws calls. Claims are the stores' own, so arguments are made for one store or the other."""

    def __init__(self, seed):
        self._random = Random(seed)
        self.now = NOW
        self._claims = []

    def note(self, name, answers):
        if name == "claim" and answers[0] is not None:
            self._claims.append(answers)

    def call(self):
        draw = self._random
        self.now += timedelta(microseconds=draw.randrange(20_000_000))
        possible = WEIGHTS if self._claims else WEIGHTS.keys() - CLAIMED
        name = drawn(draw, {name: WEIGHTS[name] for name in WEIGHTS if name in possible})
        if name in CLAIMED:
            return name, self._claimed(name)
        arguments = getattr(self, f"_{name}")()
        return name, lambda at: arguments

    def _id(self):
        return JobId(f"job{self._random.randrange(NUMBERS)}")

    def _limit(self):
        return self._random.choice((None, None, 4))

    def _add(self):
        number = self._random.randrange(NUMBERS)
        item = job(number, user=number % USERS, chat=self._random.choice((None, -1)))
        if self._random.random() < 0.1:
            item = replace(item, id=self._id())
        return (item, self.now), {"max_unfinished": self._limit()}

    def _claim(self):
        draw = self._random
        limits = FairLimits(draw.choice((1, 2, 100)), draw.choice((1, 3, 100)))
        return (draw.choice(tuple(Lane)), self.now, self.now + MINUTE, limits), {}

    def _pick(self):
        return (self._id(), CHOICE, self.now), {"is_quick": self._random.random() < 0.4}

    def _hasten(self):
        return ([self._id() for _ in range(self._random.randrange(4))],), {}

    def _note_status(self):
        return (self._id(), self._random.randrange(1000)), {}

    def _note_upload(self):
        return (self._id(), f"note {self._random.random()}"), {}

    def _end(self):
        draw = self._random
        error = draw.choice((None, SiteDownError("down"), TooLargeError(None, 10**20)))
        only = draw.choice((None, None, *JobState))
        return (self._id(), draw.choice(ENDS), error, self.now), {"only": only}

    def _reopen(self):
        wish = self._random.choice((None, *MediaKind))
        return (self._id(), self.now), {"wish": wish, "max_unfinished": self._limit()}

    def _note_told(self):
        return (self._id(),), {}

    _note_cancel = _note_told

    def _give_up_claims(self):
        return (), {}

    def _forget_ended(self):
        return (self.now - 2 * MINUTE,), {}

    def _claimed(self, name):
        """Use one of the last claims, which may be good no longer."""
        pair = self._random.choice(self._claims[-6:])
        if name == "renew":
            return lambda at: ((pair[at], self.now + MINUTE), {})
        change = self._change()
        return lambda at: ((pair[at], change(pair[at].record), self.now), {})

    def _change(self):
        draw = self._random
        page = draw.choice((None, extraction(), extraction(info_json=f'{{"a": {draw.random()}}}')))
        values = {
            "state": draw.choice((*JobState, JobState.OFFERED, JobState.QUEUED)),
            "is_quick": draw.random() < 0.4,
            "retries": draw.randrange(3),
            "not_before": draw.choice((None, None, self.now + MINUTE)),
            "extraction": page,
            "choices": draw.choice(((), (CHOICE,), (CHOICE, replace(CHOICE, height=None)))),
            "choice": draw.choice((None, CHOICE)),
            "file": draw.choice((None, media_file())),
            "send_random_id": draw.choice((None, 2**63 - 1)),
            "worked_s": draw.random(),
            "waits_since": draw.choice((None, self.now)),
            "error": draw.choice((None, "StallError")),
        }
        return lambda record: replace(record, **values)


CLAIMED = ("save", "release", "renew")
