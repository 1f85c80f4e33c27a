"""What happens to a claimed job: look, offer, fetch, send - or one plain sentence.

Each step ends with what it found being stored, so that after a crash the next one begins there.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

from userbot.domain.jobs import Paused, Retrying
from userbot.domain.records import ENDS, JobState
from userbot.errors import (
    ChatBusyError,
    CrashedTwiceError,
    DeadlineError,
    DeliveryError,
    FileRefusedError,
    InfrastructureError,
    RateLimitedError,
    SiteDownError,
    StallError,
    StoreAwayError,
    ToolStuckError,
    UserbotError,
    WorkerBugError,
    WorkerDiedError,
)
from userbot.services.bringing import Bringing
from userbot.services.endings import Endings
from userbot.services.held import ClaimLostError, Held
from userbot.services.inspection import Inspection
from userbot.services.kit import Kit
from userbot.services.shared import FailedTogetherError

log = logging.getLogger(__name__)

MAX_CRASHES = 2
PAUSES_S = (5.0, 30.0)  # before the second and the third try
OUTAGE_PAUSE_S = 30.0
STORE_PAUSES_S = (1.0, 5.0, 15.0)
STORE_AWAY_PAUSE_S = 5.0
CHAT_PATIENCE = timedelta(days=1)  # since the link came
FOLLOWERS_PATIENCE_S = 60.0  # for a leader whose own chat takes nothing: others have better luck
UNREACHABLE = ("NO_ANSWER", "FLOOD_WAIT")
PASSING = (SiteDownError, RateLimitedError, WorkerDiedError, StallError)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a job, in order."""

    inspection: Inspection
    bringing: Bringing


class Delivery:
    """Carries claimed jobs as far as they go. Holds no state of any of them."""

    def __init__(self, kit: Kit, steps: Steps, endings: Endings) -> None:
        self._kit = kit
        self._steps = steps
        self._endings = endings

    async def work(self, held: Held) -> None:
        """Take a job through its steps until it waits for somebody, or has ended.

        Cancelled because the bot stops, it gives the claim back, to be resumed; but not of a job
        that is over. Raises ClaimLostError when the job was ended from outside.
        """
        try:
            await self._carry(held)
        except asyncio.CancelledError:  # in a step, or while what came of it could not be kept
            if not held.is_over:
                await self._pause(held)
            raise

    async def _carry(self, held: Held) -> None:
        """Take the next steps; whatever they end with becomes the job's state."""
        try:
            await self._step(held)
        except UserbotError as error:
            await self._failed(held, error)
        except FailedTogetherError as failed:
            await self._end(held, failed.error)
        except ClaimLostError:
            raise
        except Exception:  # where a job ends
            log.exception("job ended in a way nobody expected")
            await self._end(held, InfrastructureError())

    async def _step(self, held: Held) -> None:
        self._kit.line.left(held.record.job.id)
        if held.record.is_unwanted:
            raise ClaimLostError  # it is ended from outside; until then nobody else claims it
        if held.record.attempts >= MAX_CRASHES and not await self._steps.bringing.found(held):
            raise CrashedTwiceError(held.record.attempts)
        if held.record.state in ENDS:
            self._endings.tell(held.record)
        elif held.record.state is JobState.NEW:
            await self._steps.inspection.run(held)
        elif await self._steps.bringing.run(held):
            self._endings.tell(held.record)
            self._kit.line.took(held.record.worked_s)

    async def _failed(self, held: Held, error: UserbotError) -> None:
        """Try again later after what may pass; end the job after anything else."""
        if isinstance(error, StoreAwayError) and held.record.state not in ENDS:
            log.warning("the job goes on when the store is back: %r", error)
            await self._back_in_line(held, STORE_AWAY_PAUSE_S)
            return
        if isinstance(error, ChatBusyError) and self._may_wait(held):
            await self._when_the_chat_may(held, error)
            return
        tries = held.record.retries
        if held.record.state in ENDS or not _may_pass(error) or tries >= len(PAUSES_S):
            await self._end(held, error)
            return
        if isinstance(error, DeliveryError) and held.record.send_random_id is not None:
            await self._again_later(held, error, OUTAGE_PAUSE_S, tries)  # it may be in the chat
            return
        pause_s = PAUSES_S[tries]
        if isinstance(error, RateLimitedError):
            pause_s = max(pause_s, min(error.retry_after_s or 0, 600))
        await self._again_later(held, error, pause_s, tries + 1)

    def _may_wait(self, held: Held) -> bool:
        """Say whether a finished file may wait for its chat: not for ever."""
        age = self._kit.now() - held.record.created_at
        return held.record.state not in ENDS and age < CHAT_PATIENCE

    async def _when_the_chat_may(self, held: Held, error: ChatBusyError) -> None:
        """Wait for a chat without a claim or a slot; what is left to do is done in a moment."""
        log.info("the chat takes nothing for %.0f s", error.wait_s)
        job = held.record.job
        if error.wait_s > FOLLOWERS_PATIENCE_S:
            await self._kit.shared.leave(job.id)
        await self._back_in_line(held, error.wait_s, is_quick=True)
        self._kit.chat.show(job, Retrying(error, error.wait_s))

    async def _again_later(
        self, held: Held, error: UserbotError, pause_s: float, tries: int
    ) -> None:
        log.info("trying again in %.0f s after %r", pause_s, error)
        await self._back_in_line(held, pause_s, retries=tries)
        self._kit.shared.show(held.record.job, Retrying(error, pause_s))

    async def _back_in_line(self, held: Held, pause_s: float, **changes: Any) -> None:
        """Give the claim back for a while, however long the store does not take it.

        The lease is kept meanwhile: one that ran out would count as a crash, and those who follow
        would wait for nobody.
        """
        pauses_s = chain(STORE_PAUSES_S, repeat(STORE_PAUSES_S[-1]))
        not_before = self._kit.now() + timedelta(seconds=pause_s)
        await self._given_back(held, pauses_s, not_before=not_before, **changes)
        extraction = held.record.extraction
        title = extraction.title if extraction else ""
        self._kit.line.joined(held.record.job, title, since=not_before, says_other=True)

    async def _pause(self, held: Held) -> None:
        """Give the claim back as it is; a job that was ended from outside has none any more."""
        try:
            await held.let_go()
        except ClaimLostError:
            return
        except InfrastructureError as error:
            log.warning("the claim is given up at the next start: %r", error)
        if held.record.state not in ENDS:  # else its end is told at the next start
            self._kit.chat.show(held.record.job, Paused())

    async def _end(self, held: Held, error: UserbotError) -> None:
        job = held.record.job
        if await self._was_sent(held):
            self._endings.tell(held.record)
            return
        log.info("job ended: %r", error, exc_info=isinstance(error, InfrastructureError))
        await self._kit.folders.remove(job.id)  # a full disk has room again for the next line
        is_own, is_ended = _is_own(held, error), False
        try:
            if is_ended := await self._ended(held, error):
                self._endings.tell(held.record)
        finally:  # what goes on ends nobody else
            is_for_all = is_ended and not is_own
            await self._kit.shared.done(job.id, error if is_for_all else None)

    async def _was_sent(self, held: Held) -> bool:
        """Look whether the file of a job that is about to fail is in the chat all the same."""
        record = held.record
        if record.send_random_id is None or record.state in ENDS:
            return False
        try:
            return await self._steps.bringing.found(held)
        except UserbotError as error:
            log.warning("it is not known whether the file was sent: %r", error)
            return False

    async def _ended(self, held: Held, error: UserbotError) -> bool:
        """Keep that a job has ended, also on a disk that is full just now.

        False: that was not possible. Nothing is said, the lease runs out, and it is tried again.
        """
        end: dict[str, object] = {}
        if held.record.state not in ENDS:  # else it was delivered, and that was not kept
            end = {"state": JobState.FAILED, "error": type(error).__name__}
            end["error_args"] = error.args
        return await self._given_back(held, STORE_PAUSES_S, **end)

    async def _given_back(self, held: Held, pauses_s: Iterable[float], **changes: Any) -> bool:
        """Keep what changed and give the claim back; False: not after any of the pauses."""
        for pause_s in pauses_s:
            try:
                await held.release(**changes)
            except InfrastructureError:
                log.exception("how a job stands was not kept")
                await asyncio.sleep(pause_s)
            else:
                return True
        return False


def _is_own(held: Held, error: UserbotError) -> bool:
    """Say whether an error concerns this job alone: others who wait have better luck."""
    if isinstance(error, DeliveryError) and not isinstance(error, FileRefusedError):
        return True
    if isinstance(error, DeadlineError) and held.is_own_deadline:
        return True
    return held.record.state in ENDS


def _may_pass(error: UserbotError) -> bool:
    """Say whether another try can help: a bug, ours or of a tool, does not go away by itself."""
    if isinstance(error, DeliveryError):
        return error.code in UNREACHABLE and not isinstance(error, ChatBusyError)
    return isinstance(error, PASSING) and not isinstance(error, WorkerBugError | ToolStuckError)
