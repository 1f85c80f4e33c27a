"""One status message: what it says, what it should say, and from when on it may say it."""

import asyncio
import secrets
from dataclasses import dataclass, field

from userbot.domain.jobs import FINAL_VIEWS, Chosen, Job, Looking, Menu, View, Working
from userbot.telegram.api import Target
from userbot.telegram.governor import Priority

LOOKING_AFTER_S = 0.7  # most pages are read by then, and the menu or the video comes at once
PROGRESS_GAP_S = 3.0
PROGRESS_STEP = 0.01


@dataclass(slots=True)
class Status:
    """What is in the chat, and what should be.

    `message_id` is None while no message is known to be there, and `must_look` while one may be.
    `random_id` is the number under which Telegram knows the first message, `tried_text` what
    was first sent under it. `is_chosen`: the quality is what its person always takes.
    """

    job: Job
    began_at: float
    wanted: View | None = None
    shown: View | None = None
    shown_text: str = ""
    shown_at: float = 0.0
    message_id: int | None = None
    must_look: bool = False
    random_id: int = field(default_factory=lambda: secrets.randbits(63))
    tried_text: str = ""
    is_chosen: bool = False
    is_closed: bool = False
    is_gone: bool = False  # nothing can be said in the chat any more
    is_mute: bool = False  # the chat takes no text, a picture at most
    writer: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to write."""
        return self.is_closed or self.shown is self.wanted

    @property
    def is_final(self) -> bool:
        """Whether the last word was said, or is about to be."""
        return isinstance(self.wanted, FINAL_VIEWS)

    @property
    def target(self) -> Target:
        """Where its first message goes."""
        request = self.job.request
        return Target(request.chat_id, request.message_id, request.topic_id)

    @property
    def priority(self) -> Priority:
        """How much the wanted view is waited for."""
        if self.message_id is None or self.is_final:
            return Priority.SEND
        if isinstance(self.shown, Menu) and not self.job.request.is_group:
            return Priority.SEND  # somebody has just pressed a button, and looks
        if not isinstance(self.wanted, Working) or not isinstance(self.shown, Working):
            return Priority.STATE
        is_same = self.wanted.progress.stage is self.shown.progress.stage
        return Priority.PROGRESS if is_same else Priority.STATE

    @property
    def is_worth_it(self) -> bool:
        """Whether progress moved far enough since it was shown."""
        if not isinstance(self.wanted, Working) or not isinstance(self.shown, Working):
            return True
        wanted, shown = self.wanted.progress.fraction, self.shown.progress.fraction
        return wanted is None or shown is None or abs(wanted - shown) >= PROGRESS_STEP

    @property
    def not_before(self) -> float | None:
        """When the wanted view may be written, budgets aside; None: it says too little new."""
        if isinstance(self.wanted, Looking | Chosen):
            return self.began_at + LOOKING_AFTER_S
        if self.priority is not Priority.PROGRESS:
            return 0.0
        return self.shown_at + PROGRESS_GAP_S if self.is_worth_it else None

    def is_written(self, view: View, text: str, now: float) -> None:
        """Note that the chat shows a view, or never will."""
        self.shown, self.shown_text, self.shown_at = view, text, now

    def forget_message(self) -> None:
        """Go on in a new message: somebody deleted the old one."""
        self.message_id, self.must_look = None, False
        self.random_id, self.tried_text = secrets.randbits(63), ""
