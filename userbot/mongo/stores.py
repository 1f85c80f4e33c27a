"""Everything durable in one database of a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from userbot.mongo.client import open_database
from userbot.mongo.errors import MongoErrors
from userbot.mongo.history import MongoHistory
from userbot.mongo.jobs import MongoJobs
from userbot.mongo.quotas import MongoQuotas
from userbot.mongo.schema import own, prepare
from userbot.mongo.statistics import MongoStatistics
from userbot.mongo.users import MongoUsers
from userbot.ports.durable import Stores


@asynccontextmanager
async def open_stores(
    url: str, name: str, retention: timedelta | None = None, bot_id: int | None = None
) -> AsyncIterator[Stores]:
    """Open a database of the server at url, with its indexes made.

    retention: how long the server keeps history and errors; None for ever. bot_id: whose database
    it is from now on. Raises InfrastructureError when the server does not answer or does not let us
    in, or when the database is another bot's.
    """
    async with open_database(url, name) as database:
        if bot_id is not None:
            await own(database, bot_id)
        await prepare(database, retention)
        yield Stores(
            jobs=MongoJobs(database),
            users=MongoUsers(database),
            history=MongoHistory(database),
            statistics=MongoStatistics(database),
            errors=MongoErrors(database),
            quotas=MongoQuotas(database),
        )
