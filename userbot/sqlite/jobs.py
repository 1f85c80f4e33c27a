"""The durable queue in SQLite."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import (
    ENDS,
    Claim,
    FairLimits,
    Fence,
    JobRecord,
    JobState,
    JobSummary,
    Lane,
    Place,
    lane_of,
)
from userbot.errors import DamagedError, InfrastructureError, TooManyJobsError, UserbotError
from userbot.sqlite import turns
from userbot.sqlite.database import Database
from userbot.sqlite.rows import (
    choice_json,
    clean,
    job_values,
    json_text,
    moment,
    page_values,
    record_of,
    record_values,
    summary_of,
)
from userbot.sqlite.turns import Turn

log = logging.getLogger(__name__)

T = TypeVar("T")

KNOWN = "SELECT 1 FROM jobs WHERE chat_id = :chat_id AND message_id = :message_id AND url = :url"
TAKE = """
UPDATE jobs
SET fence = fence + 1, attempts = attempts + (lease_until IS NOT NULL), lease_until = ?
WHERE number = ? RETURNING *
"""
GIVE_BACK = "UPDATE jobs SET lease_until = NULL WHERE number = ? AND fence = ?"
# A claim is good while its fence is the job's last one and the lease was not taken away, as at a
# restart and at the end of the job.
HELD = "id = :id AND fence = :fence AND lease_until IS NOT NULL"
PAGE = """
INSERT INTO pages (number, extraction, info_json) VALUES (:number, :extraction, :info_json)
ON CONFLICT (number) DO UPDATE
SET extraction = excluded.extraction, info_json = excluded.info_json
WHERE (extraction, info_json) IS NOT (excluded.extraction, excluded.info_json)
"""
PICK = """
UPDATE jobs SET state = :state, lane = :lane, is_quick = :is_quick, choice = :choice,
    changed_at = :now
WHERE id = :id AND state = :offered
"""
HASTEN = """
UPDATE jobs SET not_before = NULL
WHERE id IN (SELECT value FROM json_each(?)) AND lease_until IS NULL AND ended_at IS NULL
"""
NOTE = "UPDATE jobs SET status_message_id = ? WHERE id = ?"
NOTE_UPLOAD = "UPDATE jobs SET upload_note = ? WHERE id = ? AND ended_at IS NULL"
TOLD = "UPDATE jobs SET owed = 0 WHERE id = ?"
UNTOLD = "SELECT * FROM jobs WHERE owed ORDER BY number"
END = """
UPDATE jobs SET state = :state, lane = NULL, error = :error, changed_at = :now, ended_at = :now,
    lease_until = NULL, owed = 1, details = json_set(details, '$.error_args', json(:error_args))
WHERE id = :id AND ended_at IS NULL AND state = ifnull(:only, state) RETURNING number
"""
# What the tries left in `details` goes, but for the choices.
REOPEN = """
UPDATE jobs SET state = :state, lane = :lane, is_quick = 0, changed_at = :now, ended_at = NULL,
    not_before = NULL, attempts = 0, choice = NULL, error = NULL, upload_note = NULL, owed = 0,
    details = json_object(
        'wish', :wish, 'choices', json(ifnull(json_extract(details, '$.choices'), '[]'))
    )
WHERE id = :id AND ended_at IS NOT NULL AND state <> :delivered
"""
DROP_INFO = "UPDATE pages SET info_json = '' WHERE number = ?"
GIVE_UP = """
UPDATE jobs SET attempts = attempts + 1, lease_until = NULL WHERE lease_until IS NOT NULL
"""
STATES = ", ".join(f"'{state}'" for state in JobState)
BURY = (  # what cannot be read
    "UPDATE jobs SET details = '{}', choice = NULL WHERE id = :id",
    "DELETE FROM pages WHERE number = (SELECT number FROM jobs WHERE id = :id)",
    f"UPDATE jobs SET state = :state WHERE id = :id AND state NOT IN ({STATES})",
)
# Columns by name: a row's `details` are not for lists.
SUMMARY = """
SELECT id, chat_id, message_id, user_id, is_group, topic_id, url, state, is_quick, created_at,
    changed_at, not_before, lease_until, title, choice, status_message_id
FROM jobs WHERE ended_at IS NULL
"""
COUNT = "SELECT count(*) FROM jobs WHERE user_id = ? AND ended_at IS NULL"
FORGET = "DELETE FROM jobs WHERE ended_at < ?"
FORGET_TURNS = """
DELETE FROM turns WHERE jobs = 0 AND user_id NOT IN (SELECT user_id FROM jobs)
"""


class SqliteJobs:
    """`ports.JobStore`, where each method is explained, on a file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: Job, now: datetime, *, max_unfinished: int | None = None) -> bool:
        """Keep a new job; False when it is known."""
        values = job_values(job, now)
        return await self._database.write(
            lambda connection: _add(connection, values, max_unfinished)
        )

    async def find(self, job_id: JobId) -> JobRecord | None:
        """Return a job, None when it is unknown."""
        known = clean(job_id)
        try:
            return await self._database.read(lambda connection: _find(connection, known))
        except DamagedError as error:
            await self._bury([error])
        return await self._database.read(lambda connection: _find(connection, known))

    async def claim(
        self, lane: Lane, now: datetime, lease_until: datetime, limits: FairLimits
    ) -> Claim | None:
        """Take the next job in fair turns; None when there is none."""
        taken: list[tuple[Turn, Claim]] = []

        def take(connection: sqlite3.Connection) -> Claim | None:
            while turn := turns.next_turn(connection, lane, moment(now), limits):
                try:
                    claim = _take(connection, turn, lease_until)
                except DamagedError as error:
                    _bury(connection, error)
                    continue
                taken.append((turn, claim))
                return claim
            return None

        def undo(connection: sqlite3.Connection) -> None:
            for turn, claim in taken:
                connection.execute(GIVE_BACK, (turn.number, claim.fence))
                turns.give_back(connection, turn)

        try:
            return await self._database.write(take)
        except asyncio.CancelledError:
            try:
                await self._database.write(undo)  # stands in line, even if cancelled once more
            except InfrastructureError as error:
                log.warning("a cancelled claim stays until its lease runs out: %s", error)
            raise

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolong a lease."""
        values = {"lease_until": moment(lease_until)}
        return await self._database.write(
            lambda connection: _change(connection, claim, values) is not None
        )

    async def save(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed; the claim goes on."""
        return await self._keep(claim, record, now, is_over=record.state in ENDS)

    async def release(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed and give the claim back."""
        return await self._keep(claim, record, now, is_over=True)

    async def hasten(self, job_ids: Collection[JobId]) -> None:
        """Let jobs be claimed at once that wait until later."""
        ids = (json_text(list(job_ids)),)
        await self._database.write(lambda connection: connection.execute(HASTEN, ids).rowcount)

    async def pick(
        self, job_id: JobId, choice: Choice, now: datetime, *, is_quick: bool = False
    ) -> bool:
        """Answer an open menu, once."""
        values = {
            "id": job_id,
            "offered": JobState.OFFERED,
            "state": JobState.QUEUED,
            "lane": lane_of(JobState.QUEUED, is_quick=is_quick),
            "is_quick": is_quick,
            "choice": choice_json(choice),
            "now": moment(now),
        }
        return await self._database.write(
            lambda connection: connection.execute(PICK, values).rowcount == 1
        )

    async def note_status(self, job_id: JobId, message_id: int) -> None:
        """Keep where a job's status message is."""
        values = (message_id, job_id)
        await self._database.write(lambda connection: connection.execute(NOTE, values).rowcount)

    async def note_upload(self, job_id: JobId, note: str) -> None:
        """Keep what Telegram has of a job's file."""
        values = (clean(note), job_id)
        await self._database.write(
            lambda connection: connection.execute(NOTE_UPLOAD, values).rowcount
        )

    async def end(
        self,
        job_id: JobId,
        state: JobState,
        error: UserbotError | None,
        now: datetime,
        *,
        only: JobState | None = None,
    ) -> bool:
        """End a job from outside; False when it had ended, or is not in the state `only`."""
        assert state in ENDS, state
        values = {
            "id": job_id,
            "state": state,
            "error": type(error).__name__ if error is not None else None,
            "error_args": json_text(error.args if error is not None else ()),
            "now": moment(now),
            "only": only,
        }
        return await self._database.write(lambda connection: _end(connection, values))

    async def reopen(
        self,
        job_id: JobId,
        now: datetime,
        *,
        wish: MediaKind | None = None,
        max_unfinished: int | None = None,
    ) -> bool:
        """Make a job that ended without being delivered NEW once more."""
        values = {
            "id": job_id,
            "state": JobState.NEW,
            "lane": lane_of(JobState.NEW, is_quick=False),
            "delivered": JobState.DELIVERED,
            "wish": wish,
            "now": moment(now),
        }
        return await self._database.write(
            lambda connection: _reopen(connection, values, max_unfinished)
        )

    async def note_told(self, job_id: JobId) -> None:
        """Keep that the chat shows how a job has ended."""
        await self._database.write(lambda connection: connection.execute(TOLD, (job_id,)).rowcount)

    async def untold(self) -> list[JobRecord]:
        """Return the ended jobs whose chat does not show it yet."""
        return await self._legible(UNTOLD, (), _record)

    async def give_up_claims(self) -> int:
        """Take every lease away, counting an attempt each."""
        return await self._database.write(lambda connection: connection.execute(GIVE_UP).rowcount)

    async def unfinished(self, user_id: int | None = None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first."""
        if user_id is None:
            return await self._legible(f"{SUMMARY} ORDER BY number", (), _summary)
        return await self._legible(
            f"{SUMMARY} AND user_id = ? ORDER BY number", (user_id,), _summary
        )

    async def count_unfinished(self, user_id: int) -> int:
        """Return how many jobs of a person have not ended."""
        return await self._database.read(lambda connection: _count(connection, user_id))

    async def places(self, lane: Lane, now: datetime, limit: int) -> list[Place]:
        """Return the first places in line of a lane."""
        return await self._database.read(
            lambda connection: turns.places(connection, lane, moment(now), limit)
        )

    async def position(self, job_id: JobId, now: datetime) -> int | None:
        """Return the place of one job, None when it has none."""
        return await self._database.read(
            lambda connection: turns.position(connection, job_id, moment(now))
        )

    async def forget_ended(self, before: datetime) -> int:
        """Delete the jobs that ended before a moment; return how many."""
        return await self._database.write(lambda connection: _forget(connection, moment(before)))

    async def _legible(
        self,
        query: str,
        values: tuple[object, ...],
        read: Callable[[sqlite3.Connection, sqlite3.Row], T],
    ) -> list[T]:
        """Return what rows say; those that cannot be read are ended and left out."""
        damaged: list[DamagedError] = []

        def legible(connection: sqlite3.Connection) -> list[T]:
            found = []
            for row in connection.execute(query, values).fetchall():
                try:
                    found.append(read(connection, row))
                except DamagedError as error:
                    damaged.append(error)
            return found

        found = await self._database.read(legible)
        await self._bury(damaged)
        return found

    async def _bury(self, damaged: Sequence[DamagedError]) -> None:
        def bury(connection: sqlite3.Connection) -> None:
            for error in damaged:
                _bury(connection, error)

        if damaged:
            await self._database.write(bury)

    async def _keep(self, claim: Claim, record: JobRecord, now: datetime, *, is_over: bool) -> bool:
        def keep(connection: sqlite3.Connection) -> bool:
            values = record_values(record, now)
            if is_over:
                values["lease_until"] = None
            number = _change(connection, claim, values)
            if number is None:
                return False
            _keep_page(connection, number, record)
            return True

        return await self._database.write(keep)


def _add(
    connection: sqlite3.Connection, values: Mapping[str, object], max_unfinished: int | None
) -> bool:
    if connection.execute(KNOWN, values).fetchone():
        return False
    if max_unfinished is not None and _count(connection, values["user_id"]) >= max_unfinished:
        raise TooManyJobsError(max_unfinished)
    if connection.execute("SELECT 1 FROM jobs WHERE id = :id", values).fetchone():
        raise RuntimeError(f"two jobs with the id {values['id']}")
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", values)
    return True


def _find(connection: sqlite3.Connection, job_id: str) -> JobRecord | None:
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return _record(connection, row) if row else None


def _record(connection: sqlite3.Connection, row: sqlite3.Row) -> JobRecord:
    page = connection.execute("SELECT * FROM pages WHERE number = ?", (row["number"],)).fetchone()
    return record_of(row, page)


def _summary(_connection: sqlite3.Connection, row: sqlite3.Row) -> JobSummary:
    return summary_of(row)


def _bury(connection: sqlite3.Connection, error: DamagedError) -> None:
    """End a job that cannot be read; else it would stay the first in line for ever."""
    log.error("the record of job %s is damaged; it is ended", error.job_id)
    values: dict[str, object] = {"id": error.job_id, "state": JobState.FAILED, "only": None}
    for statement in BURY:
        connection.execute(statement, values)
    row = connection.execute("SELECT changed_at FROM jobs WHERE id = :id", values).fetchone()
    values |= {"now": row["changed_at"] if row else 0}
    _end(connection, {**values, "error": InfrastructureError.__name__, "error_args": "[]"})


def _take(connection: sqlite3.Connection, turn: Turn, lease_until: datetime) -> Claim:
    row = connection.execute(TAKE, (moment(lease_until), turn.number)).fetchone()
    turns.mark_served(connection, turn)
    return Claim(_record(connection, row), Fence(row["fence"]), lease_until)


def _change(
    connection: sqlite3.Connection, claim: Claim, values: Mapping[str, object]
) -> int | None:
    """Change the columns of a claimed job; return its number, None when the claim is not good."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    row = connection.execute(
        f"UPDATE jobs SET {changes} WHERE {HELD} RETURNING number",
        {**values, "id": claim.record.job.id, "fence": claim.fence},
    ).fetchone()
    return row["number"] if row else None


def _keep_page(connection: sqlite3.Connection, number: int, record: JobRecord) -> None:
    if record.extraction is None:
        connection.execute("DELETE FROM pages WHERE number = ?", (number,))
    else:
        connection.execute(PAGE, {**page_values(record, record.extraction), "number": number})


def _end(connection: sqlite3.Connection, values: Mapping[str, object]) -> bool:
    row = connection.execute(END, values).fetchone()
    if row is None:
        return False
    connection.execute(DROP_INFO, (row["number"],))
    return True


def _reopen(
    connection: sqlite3.Connection, values: Mapping[str, object], max_unfinished: int | None
) -> bool:
    row = connection.execute("SELECT user_id FROM jobs WHERE id = :id", values).fetchone()
    if row is None:
        return False
    if max_unfinished is not None and _count(connection, row["user_id"]) >= max_unfinished:
        raise TooManyJobsError(max_unfinished)
    return connection.execute(REOPEN, values).rowcount == 1


def _count(connection: sqlite3.Connection, user_id: object) -> int:
    (count,) = connection.execute(COUNT, (user_id,)).fetchone()
    return int(count)


def _forget(connection: sqlite3.Connection, before: int) -> int:
    forgotten = connection.execute(FORGET, (before,)).rowcount
    connection.execute(FORGET_TURNS)
    return forgotten
