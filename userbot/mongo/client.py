"""The only place where MongoDB clients are made, and where their errors get a meaning.

Clients are motor's. It is past its end of life, so the whole folder keeps to what PyMongo's own
AsyncMongoClient understands too: no aggregate(), sessions or change streams. A change of driver is
a change of this file.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from bson.errors import BSONError
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo.errors import ConnectionFailure, DuplicateKeyError, OperationFailure, PyMongoError

from userbot.errors import DiskFullError, InfrastructureError, StoreAwayError

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]
Database = AsyncIOMotorDatabase[Document]

COMMAND_TIMEOUT_MS = 4000  # the server is told as well (maxTimeMS), so that it gives up in time
SELECTION_TIMEOUT_MS = 3000  # how long a call waits for a server that is gone to come back
OPTIONS: dict[str, Any] = {
    "appname": "userbot",  # in the server's log and currentOp
    "tz_aware": True,
    "uuidRepresentation": "standard",
    # What was acknowledged survives a kill, a power cut and a change of the primary.
    "w": "majority",
    "journal": True,
    "timeoutMS": COMMAND_TIMEOUT_MS,
    "serverSelectionTimeoutMS": SELECTION_TIMEOUT_MS,
    "connectTimeoutMS": SELECTION_TIMEOUT_MS,
    "maxPoolSize": 20,  # motor has five threads per core: more would never be used
    "maxIdleTimeMS": 300_000,  # firewalls forget quiet connections
}

DISK_FULL = 14031  # https://www.mongodb.com/docs/manual/reference/error-codes/
MAX_DETAIL_CHARS = 300  # a driver describes its whole view of the servers


@asynccontextmanager
async def open_database(url: str, name: str) -> AsyncIterator[Database]:
    """Open a database of the server at url, made when first written to.

    Raises InfrastructureError when the server does not answer or does not let us in.
    """
    loop = asyncio.get_running_loop()
    with translated():
        # in a thread: an address mongodb+srv:// is looked up at once
        client: AsyncIOMotorClient[Document] = await asyncio.to_thread(
            lambda: AsyncIOMotorClient(url, io_loop=loop, **OPTIONS)
        )
    try:
        with translated():
            await client.admin.command("ping")
        yield client[name]
    finally:
        client.close()


@contextmanager
def translated() -> Iterator[None]:
    """Make every error of the driver one of ours."""
    try:
        yield
    except PyMongoError as error:
        raise _meaning(error) from error
    except (BSONError, OverflowError) as error:
        raise InfrastructureError(_said(error)) from error


async def upsert(collection: Collection, query: Document, update: Document) -> None:
    """Change the document of an `_id`, made if missing."""
    try:
        await collection.update_one(query, update, upsert=True)
    except DuplicateKeyError:  # somebody else made it at the same moment
        await collection.update_one(query, update)


def _meaning(error: PyMongoError) -> InfrastructureError:
    if isinstance(error, OperationFailure) and error.code == DISK_FULL:
        return DiskFullError()
    is_passing = error.timeout or error.has_error_label("RetryableWriteError")
    if is_passing or isinstance(error, ConnectionFailure):
        return StoreAwayError(_said(error))
    return InfrastructureError(_said(error))


def _said(error: Exception) -> str:
    return f"MongoDB: {str(error)[:MAX_DETAIL_CHARS]}"
