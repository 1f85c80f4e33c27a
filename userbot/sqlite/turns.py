"""Fair turns between people: which job is next, and where each stands in line."""

import sqlite3
from dataclasses import dataclass

from userbot.domain.jobs import JobId
from userbot.domain.records import FairLimits, Lane, Place
from userbot.sqlite.schema import NEWCOMERS

# People in the order of their turns, and the oldest job of the first who has one that is due.
NEXT = """
SELECT jobs.number, turns.user_id
FROM turns CROSS JOIN jobs ON jobs.lane = turns.lane AND jobs.user_id = turns.user_id
WHERE turns.lane = :lane AND turns.jobs > 0 AND jobs.due_at <= :now
    AND turns.user_id NOT IN (
        SELECT user_id FROM jobs INDEXED BY jobs_held WHERE lane = :lane AND lease_until > :now
        GROUP BY user_id HAVING count(*) >= :per_user
    )
    AND jobs.chat_id NOT IN (
        SELECT chat_id FROM jobs INDEXED BY jobs_held WHERE lane = :lane AND lease_until > :now
        GROUP BY chat_id HAVING count(*) >= :per_chat
    )
ORDER BY turns.turn, jobs.number LIMIT 1
"""
SERVED = """
UPDATE turns
SET turn = max(0, (SELECT max(turn) FROM turns WHERE lane = :lane)) + 1
WHERE lane = :lane AND user_id = :user_id
"""
# Before everybody, newcomers too, whose turns are taken upwards from NEWCOMERS.
NOT_SERVED = f"""
UPDATE turns
SET turn = min({NEWCOMERS}, (SELECT min(turn) FROM turns WHERE lane = :lane)) - 1
WHERE lane = :lane AND user_id = :user_id
"""

# Everybody's first job comes before anybody's second: a job's round is its rank among the jobs of
# its owner, and inside a round people go by turns.
OWN = """
SELECT jobs.lane, jobs.user_id, turns.turn, (
    SELECT count(*) FROM jobs AS own
    WHERE own.lane = jobs.lane AND own.user_id = jobs.user_id AND own.number <= jobs.number
        AND own.due_at <= :now
) AS round
FROM jobs JOIN turns ON turns.lane = jobs.lane AND turns.user_id = jobs.user_id
WHERE jobs.id = :id AND jobs.due_at <= :now
"""
# Who comes before a job: of each person the jobs of earlier rounds, and one of the same round if
# the turn is earlier. Counted as if all jobs were due, then put right for the few that are not.
POSITION = """
SELECT (
    SELECT sum(min(jobs, :round - 1) + (jobs >= :round AND turn <= :turn))
    FROM turns WHERE lane = :lane AND jobs > 0
) + (
    SELECT ifnull(sum(
        min(jobs - later, :round - 1) + (jobs - later >= :round AND turn <= :turn)
        - min(jobs, :round - 1) - (jobs >= :round AND turn <= :turn)
    ), 0)
    FROM (
        SELECT user_id AS owner, count(*) AS later FROM jobs INDEXED BY jobs_not_due
        WHERE lane = :lane AND lane IS NOT NULL AND due_at > 0 AND due_at > :now
        GROUP BY user_id
    ) CROSS JOIN turns ON lane = :lane AND user_id = owner
)
"""
PLACES = """
SELECT id FROM (
    SELECT jobs.id, first.turn,
        row_number() OVER (PARTITION BY first.turn ORDER BY jobs.number) AS round
    FROM (
        SELECT lane, user_id, turn FROM turns
        WHERE lane = :lane AND jobs > 0 AND EXISTS (
            SELECT 1 FROM jobs
            WHERE jobs.lane = :lane AND jobs.user_id = turns.user_id AND due_at <= :now
        )
        ORDER BY turn LIMIT :limit
    ) AS first CROSS JOIN jobs ON jobs.lane = first.lane AND jobs.user_id = first.user_id
    WHERE jobs.due_at <= :now
) ORDER BY round, turn LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A job that may be claimed, and whose turn that is."""

    number: int
    lane: Lane
    user_id: int


def next_turn(
    connection: sqlite3.Connection, lane: Lane, now: int, limits: FairLimits
) -> Turn | None:
    """Return whose turn it is and with which job; None when no job of the lane may be claimed."""
    values = {
        "lane": lane,
        "now": now,
        "per_user": limits.per_user,
        "per_chat": limits.per_chat,
    }
    row = connection.execute(NEXT, values).fetchone()
    return Turn(row["number"], lane, row["user_id"]) if row else None


def mark_served(connection: sqlite3.Connection, turn: Turn) -> None:
    """Put the owner of a turn behind everybody."""
    connection.execute(SERVED, {"lane": turn.lane, "user_id": turn.user_id})


def give_back(connection: sqlite3.Connection, turn: Turn) -> None:
    """Put the owner of a turn that was not used before everybody."""
    connection.execute(NOT_SERVED, {"lane": turn.lane, "user_id": turn.user_id})


def position(connection: sqlite3.Connection, job_id: JobId, now: int) -> int | None:
    """Return the place of a job in its lane, counted from 1; None when it does not wait."""
    own = connection.execute(OWN, {"id": job_id, "now": now}).fetchone()
    if own is None:
        return None
    (place,) = connection.execute(POSITION, {**dict(own), "now": now}).fetchone()
    return int(place)


def places(connection: sqlite3.Connection, lane: Lane, now: int, limit: int) -> list[Place]:
    """Return the first places of a lane."""
    rows = connection.execute(PLACES, {"lane": lane, "now": now, "limit": limit})
    return [Place(JobId(row["id"]), at) for at, row in enumerate(rows, start=1)]
