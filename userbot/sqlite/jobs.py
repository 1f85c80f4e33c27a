"""The durable queue in SQLite."""

import asyncio
import logging
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import (
    ENDS,
    Claim,
    FairLimits,
    JobRecord,
    JobState,
    JobSummary,
    Lane,
    Place,
    lane_of,
)
from userbot.durable.values import clean, json_text, moment
from userbot.errors import InfrastructureError, UserbotError
from userbot.sqlite import changes, claims, entries, turns
from userbot.sqlite.database import Database
from userbot.sqlite.records import Records
from userbot.sqlite.rows import choice_json, new_row

log = logging.getLogger(__name__)

NO_CLAIM: Mapping[str, object] = {"lease_until": None}
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
NOTE_CANCEL = "UPDATE jobs SET is_unwanted = 1 WHERE id = ? AND ended_at IS NULL"
TOLD = "UPDATE jobs SET owed = 0 WHERE id = ?"
FORGET = "DELETE FROM jobs WHERE ended_at < ?"
FORGET_TURNS = """
DELETE FROM turns WHERE jobs = 0 AND user_id NOT IN (SELECT user_id FROM jobs)
"""


class SqliteJobs:
    """`ports.JobStore`, where each method is explained, on a file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = Records(database)

    async def add(self, job: Job, now: datetime, *, max_unfinished: int | None = None) -> bool:
        """Keep a new job; False when it is known."""
        values = new_row(job, now)
        return await self._database.write(
            lambda connection: entries.add(connection, values, max_unfinished)
        )

    async def find(self, job_id: JobId) -> JobRecord | None:
        """Return a job, None when it is unknown."""
        return await self._records.find(clean(job_id))

    async def claim(
        self, lane: Lane, now: datetime, lease_until: datetime, limits: FairLimits
    ) -> Claim | None:
        """Take the next job in fair turns; None when there is none."""
        taken: list[claims.Taken] = []

        def take(connection: sqlite3.Connection) -> Claim | None:
            found = claims.take(connection, lane, now, lease_until, limits)
            taken.extend([found] if found else [])
            return found.claim if found else None

        try:
            return await self._database.write(take)
        except asyncio.CancelledError:
            await self._undo(taken)
            raise

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolong a lease."""
        values = {"lease_until": moment(lease_until)}
        return await self._database.write(
            lambda connection: changes.make(connection, claim, values) is not None
        )

    async def save(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed; the claim goes on."""
        return await self._keep(claim, record, now, NO_CLAIM if record.state in ENDS else {})

    async def release(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed and give the claim back."""
        return await self._keep(claim, record, now, NO_CLAIM)

    async def hasten(self, job_ids: Collection[JobId]) -> None:
        """Let jobs be claimed at once that wait until later."""
        await self._database.change(HASTEN, (json_text(list(job_ids)),))

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
        return await self._database.change(PICK, values) == 1

    async def note_status(self, job_id: JobId, message_id: int) -> None:
        """Keep where a job's status message is."""
        await self._database.change(NOTE, (message_id, job_id))

    async def note_upload(self, job_id: JobId, note: str) -> None:
        """Keep what Telegram has of a job's file."""
        await self._database.change(NOTE_UPLOAD, (clean(note), job_id))

    async def note_cancel(self, job_id: JobId) -> None:
        """Keep that an open job is not wanted any more."""
        await self._database.change(NOTE_CANCEL, (job_id,))

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
        at = moment(now)
        return await self._database.write(
            lambda connection: changes.end(connection, job_id, state, error, at, only=only)
        )

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
            lambda connection: entries.reopen(connection, values, max_unfinished)
        )

    async def note_told(self, job_id: JobId) -> None:
        """Keep that the chat shows how a job has ended."""
        await self._database.change(TOLD, (job_id,))

    async def untold(self) -> list[JobRecord]:
        """Return the ended jobs whose chat does not show it yet."""
        return await self._records.untold()

    async def give_up_claims(self, *, is_crash: bool = True) -> int:
        """Take every lease away; a crash counts as an attempt of each."""
        return await self._database.change(claims.GIVE_UP, (int(is_crash),))

    async def unfinished(self, user_id: int | None = None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first."""
        return await self._records.unfinished(user_id)

    async def count_unfinished(self, user_id: int) -> int:
        """Return how many jobs of a person have not ended."""
        return await self._database.read(lambda connection: entries.count(connection, user_id))

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

    async def _undo(self, taken: list[claims.Taken]) -> None:
        def undo(connection: sqlite3.Connection) -> None:
            for unwanted in taken:
                claims.undo(connection, unwanted)

        try:
            await self._database.write(undo)  # stands in line, even if cancelled once more
        except InfrastructureError as error:
            log.warning("a cancelled claim stays until its lease runs out: %s", error)

    async def _keep(
        self, claim: Claim, record: JobRecord, now: datetime, and_so: Mapping[str, object]
    ) -> bool:
        return await self._database.write(
            lambda connection: changes.keep(connection, claim, record, now, and_so)
        )


def _forget(connection: sqlite3.Connection, before: int) -> int:
    forgotten = connection.execute(FORGET, (before,)).rowcount
    connection.execute(FORGET_TURNS)
    return forgotten
