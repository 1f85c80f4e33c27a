"""Everything durable in one file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from userbot.ports.durable import Stores
from userbot.sqlite.database import open_database
from userbot.sqlite.errors import SqliteErrors
from userbot.sqlite.history import SqliteHistory
from userbot.sqlite.jobs import SqliteJobs
from userbot.sqlite.quotas import SqliteQuotas
from userbot.sqlite.statistics import SqliteStatistics
from userbot.sqlite.users import SqliteUsers


@asynccontextmanager
async def open_stores(path: Path) -> AsyncIterator[Stores]:
    """Open the file. Raises InfrastructureError as `open_database` does."""
    async with open_database(path) as database:
        yield Stores(
            jobs=SqliteJobs(database),
            users=SqliteUsers(database),
            history=SqliteHistory(database),
            statistics=SqliteStatistics(database),
            errors=SqliteErrors(database),
            quotas=SqliteQuotas(database),
        )
