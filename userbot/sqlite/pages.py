"""What was read of pages, in a table beside the jobs: rows that only one who needs them reads."""

import sqlite3

from userbot.domain.records import JobRecord
from userbot.sqlite.rows import page_values, record_of

PUT = """
INSERT INTO pages (number, extraction, info_json) VALUES (:number, :extraction, :info_json)
ON CONFLICT (number) DO UPDATE
SET extraction = excluded.extraction, info_json = excluded.info_json
WHERE (extraction, info_json) IS NOT (excluded.extraction, excluded.info_json)
"""
OF = "SELECT * FROM pages WHERE number = ?"
DROP = "DELETE FROM pages WHERE number = ?"
DROP_INFO = "UPDATE pages SET info_json = '' WHERE number = ?"


def put(connection: sqlite3.Connection, number: int, record: JobRecord) -> None:
    """Keep the page of a job, or that it has none."""
    if record.extraction is None:
        connection.execute(DROP, (number,))
    else:
        connection.execute(PUT, {**page_values(record, record.extraction), "number": number})


def record_in(connection: sqlite3.Connection, row: sqlite3.Row) -> JobRecord:
    """Return the record of a row of `jobs`, its page included. Raises DamagedError."""
    return record_of(row, connection.execute(OF, (row["number"],)).fetchone())


def drop_info(connection: sqlite3.Connection, number: int) -> None:
    """Forget what only a download needs."""
    connection.execute(DROP_INFO, (number,))
