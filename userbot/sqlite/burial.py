"""Jobs whose rows nobody can read: they are ended, so that they stand in nobody's way."""

import logging
import sqlite3

from userbot.domain.records import JobState
from userbot.errors import DamagedError, InfrastructureError
from userbot.sqlite.changes import end

log = logging.getLogger(__name__)

STATES = ", ".join(f"'{state}'" for state in JobState)
BURY = (  # what cannot be read
    "UPDATE jobs SET details = '{}', choice = NULL WHERE id = :id",
    "DELETE FROM pages WHERE number = (SELECT number FROM jobs WHERE id = :id)",
    f"UPDATE jobs SET state = :state WHERE id = :id AND state NOT IN ({STATES})",
)


def bury(connection: sqlite3.Connection, error: DamagedError) -> None:
    """End a job that cannot be read."""
    log.error("the record of job %s is damaged; it is ended", error.job_id)
    values = {"id": error.job_id, "state": JobState.FAILED}
    for statement in BURY:
        connection.execute(statement, values)
    row = connection.execute("SELECT changed_at FROM jobs WHERE id = :id", values).fetchone()
    changed_at = row["changed_at"] if row else 0
    end(connection, error.job_id, JobState.FAILED, InfrastructureError(), changed_at)
