"""Changes of one job, together with the page that belongs to it."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from userbot.domain.records import Claim, JobRecord, JobState
from userbot.durable.values import json_text
from userbot.errors import UserbotError
from userbot.sqlite import pages
from userbot.sqlite.rows import record_values

# A claim is good while its fence is the job's last one and the lease was not taken away, as at a
# restart and at the end of the job.
HELD = "id = :id AND fence = :fence AND lease_until IS NOT NULL"
END = """
UPDATE jobs SET state = :state, lane = NULL, error = :error, changed_at = :now, ended_at = :now,
    lease_until = NULL, owed = 1, details = json_set(details, '$.error_args', json(:error_args))
WHERE id = :id AND ended_at IS NULL AND state = ifnull(:only, state) RETURNING number
"""


def keep(
    connection: sqlite3.Connection,
    claim: Claim,
    record: JobRecord,
    now: datetime,
    and_so: Mapping[str, object],
) -> bool:
    """Keep what changed of a claimed job, and so its page; False when the claim is not good."""
    number = make(connection, claim, {**record_values(record, now), **and_so})
    if number is None:
        return False
    pages.put(connection, number, record)
    return True


def make(connection: sqlite3.Connection, claim: Claim, values: Mapping[str, object]) -> int | None:
    """Change the columns of a claimed job; return its number, None when the claim is not good."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    row = connection.execute(
        f"UPDATE jobs SET {changes} WHERE {HELD} RETURNING number",
        {**values, "id": claim.record.job.id, "fence": claim.fence},
    ).fetchone()
    return row["number"] if row else None


def end(
    connection: sqlite3.Connection,
    job_id: str,
    state: JobState,
    error: UserbotError | None,
    now: int,
    *,
    only: JobState | None = None,
) -> bool:
    """End a job, whoever holds it; False when it had ended, or is not in the state `only`."""
    values = {
        "id": job_id,
        "state": state,
        "error": type(error).__name__ if error is not None else None,
        "error_args": json_text(error.args if error is not None else ()),
        "now": now,
        "only": only,
    }
    row = connection.execute(END, values).fetchone()
    if row is None:
        return False
    pages.drop_info(connection, row["number"])
    return True
