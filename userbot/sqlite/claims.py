"""Claiming the next job."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from userbot.domain.records import Claim, FairLimits, Fence, Lane
from userbot.durable.values import moment
from userbot.errors import DamagedError
from userbot.sqlite import turns
from userbot.sqlite.burial import bury
from userbot.sqlite.pages import record_in
from userbot.sqlite.turns import Turn

TAKE = """
UPDATE jobs
SET fence = fence + 1, attempts = attempts + (lease_until IS NOT NULL), lease_until = ?
WHERE number = ? RETURNING *
"""
GIVE_BACK = "UPDATE jobs SET lease_until = NULL WHERE number = ? AND fence = ?"
GIVE_UP = """
UPDATE jobs SET attempts = attempts + ?, lease_until = NULL WHERE lease_until IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim as it was made, with what it takes to undo it."""

    claim: Claim
    turn: Turn


def take(
    connection: sqlite3.Connection,
    lane: Lane,
    now: datetime,
    lease_until: datetime,
    limits: FairLimits,
) -> Taken | None:
    """Claim the next job in fair turns; None when there is none."""
    while turn := turns.next_turn(connection, lane, moment(now), limits):
        try:
            return Taken(_claim(connection, turn, lease_until), turn)
        except DamagedError as error:
            bury(connection, error)  # else it would stay the first in line for ever
    return None


def undo(connection: sqlite3.Connection, taken: Taken) -> None:
    """Make a claim as if it had never been made."""
    connection.execute(GIVE_BACK, (taken.turn.number, taken.claim.fence))
    turns.give_back(connection, taken.turn)


def _claim(connection: sqlite3.Connection, turn: Turn, lease_until: datetime) -> Claim:
    row = connection.execute(TAKE, (moment(lease_until), turn.number)).fetchone()
    turns.mark_served(connection, turn)
    return Claim(record_in(connection, row), Fence(row["fence"]), lease_until)
