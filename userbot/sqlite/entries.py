"""How jobs come in, for the first time or once more, and no more of a person than may be."""

import sqlite3
from collections.abc import Mapping

from userbot.errors import TooManyJobsError
from userbot.sqlite.rows import columns

KNOWN = "SELECT 1 FROM jobs WHERE chat_id = :chat_id AND message_id = :message_id AND url = :url"
COUNT = "SELECT count(*) FROM jobs WHERE user_id = ? AND ended_at IS NULL"
# What the tries left in `details` goes, but for the choices.
REOPEN = """
UPDATE jobs SET state = :state, lane = :lane, is_quick = 0, changed_at = :now, ended_at = NULL,
    not_before = NULL, attempts = 0, choice = NULL, error = NULL, upload_note = NULL, owed = 0,
    is_unwanted = 0, details = json_object(
        'wish', :wish, 'choices', json(ifnull(json_extract(details, '$.choices'), '[]'))
    )
WHERE id = :id AND ended_at IS NOT NULL AND state <> :delivered
"""


def add(
    connection: sqlite3.Connection, values: Mapping[str, object], max_unfinished: int | None
) -> bool:
    """Keep a new job; False when its link is known. Raises TooManyJobsError."""
    if connection.execute(KNOWN, values).fetchone():
        return False
    _check_room(connection, values["user_id"], max_unfinished)
    if connection.execute("SELECT 1 FROM jobs WHERE id = :id", values).fetchone():
        raise RuntimeError(f"two jobs with the id {values['id']}")
    connection.execute(f"INSERT INTO jobs {columns(values)}", values)
    return True


def reopen(
    connection: sqlite3.Connection, values: Mapping[str, object], max_unfinished: int | None
) -> bool:
    """Make a job that ended undelivered NEW; False for any other. Raises TooManyJobsError."""
    row = connection.execute("SELECT user_id FROM jobs WHERE id = :id", values).fetchone()
    if row is None:
        return False
    _check_room(connection, row["user_id"], max_unfinished)
    return connection.execute(REOPEN, values).rowcount == 1


def count(connection: sqlite3.Connection, user_id: object) -> int:
    """Return how many jobs of a person are open."""
    (number,) = connection.execute(COUNT, (user_id,)).fetchone()
    return int(number)


def _check_room(
    connection: sqlite3.Connection, user_id: object, max_unfinished: int | None
) -> None:
    if max_unfinished is not None and count(connection, user_id) >= max_unfinished:
        raise TooManyJobsError(max_unfinished)
