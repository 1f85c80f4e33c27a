"""A job that is cancelled while its file is being sent: it is in the chat by now, or it is not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from userbot.domain.jobs import JobId
from userbot.domain.records import ENDS, JobRecord, JobState
from userbot.errors import UserbotError
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.queue import Queue

log = logging.getLogger(__name__)

ANSWER_S = 1.0  # for Telegram to say whether it has taken the message: the surest word
LOOK_S = 1.0  # for the chat to say whether it is there, while somebody waits for the answer

Found = Callable[[Held, float], Awaitable[bool]]


class Withdrawal:
    """Ends jobs whose message may be on its way. `found` is `Bringing.found`."""

    def __init__(self, kit: Kit, queue: Queue, found: Found) -> None:
        self._kit = kit
        self._queue = queue
        self._found = found

    async def run(self, job_id: JobId, look_s: float) -> None:
        """End a job as delivered when its file is in the chat, else as cancelled.

        The chat has look_s to say which. Nothing more is sent once this looks. Raises
        InfrastructureError when the store is away, with the job still open.
        """
        await self._queue.finish(job_id, ANSWER_S)
        held = await self._queue.stop(job_id, is_over=True)
        record = await self._kit.store.find(job_id)
        if record is None or record.state in ENDS:
            return
        await self._kit.folders.remove(job_id)
        if held is not None and await self._is_delivered(held, look_s):
            return
        is_there = held is None and await self._is_there(record, look_s)
        state = JobState.DELIVERED if is_there else JobState.CANCELLED
        await self._kit.store.end(job_id, state, None, self._kit.now())

    async def _is_delivered(self, held: Held, look_s: float) -> bool:
        """Look for the message of a job that was worked on; what it brought is kept for others."""
        try:
            return await self._found(held, look_s)
        except (TimeoutError, UserbotError) as error:
            log.info("the file of job %s is not in the chat: %r", held.record.job.id, error)
            return False

    async def _is_there(self, record: JobRecord, look_s: float) -> bool:
        """Look for the message of a job that nobody holds; what it brought is kept for others."""
        file = record.known or record.file
        if file is None or record.send_random_id is None:
            return False
        try:
            async with asyncio.timeout(look_s):
                sent = await self._kit.chat.find_sent(record.job, file)
        except (TimeoutError, UserbotError) as error:
            log.info("the file of job %s is not in the chat: %r", record.job.id, error)
            return False
        if sent is None:
            return False
        await self._kit.files.learn(replace(record, file_ids=sent.file_ids))
        return True
