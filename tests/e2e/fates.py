"""What became of every link: a file, a sentence, both, or nothing."""

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass, fields

from tests.e2e.people import Play, Post, is_open
from tests.e2e.stage import is_file
from tests.telegram_dc.wire import Message

CRASHED = "crashed twice"
CANCELLED = "Cancelled."
LOOK_S = 0.1
SETTLE_S = 5.0  # from the end of the last job until its message says so
UNSEEN_S = 10.0  # and until the bot has read what it missed


@dataclass(frozen=True, slots=True)
class Fates:
    """How many links ended how."""

    links: int = 0
    delivered: int = 0  # at least once
    told: int = 0  # a sentence where there is no file to be had
    cancelled: int = 0  # as it was wished, and no file came
    given_up: int = 0  # a sentence because the bot died twice over it
    unseen: int = 0  # no reaction, no answer: the bot never said that it has it
    lost: int = 0  # seen, and then neither a file nor a sentence
    twice: int = 0  # files too many
    unwanted: int = 0  # files that a later life sent than the one that took the Cancel
    both: int = 0  # a file and a sentence, or two sentences
    wrong: int = 0  # a sentence where the file could have been had, or the other way round
    damaged: int = 0  # a file that differs from the site's
    stale: int = 0  # messages that promise that something will still happen

    def __add__(self, other: "Fates") -> "Fates":
        return Fates(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def is_settled(self) -> bool:
        return not (self.unseen or self.lost or self.stale)

    @property
    def is_good(self) -> bool:
        bad = self.twice or self.unwanted or self.both or self.wrong or self.damaged
        return self.is_settled and not bad


async def fates_of(play: Play) -> dict[Post, Fates]:
    chats = {chat: await play.dc.messages(chat) for chat in play.chats}
    return {post: _fate(play, post, chats[post.chat_id]) for post in play.posts}


def _fate(play: Play, post: Post, messages: list[Message]) -> Fates:
    answers = [m for m in messages if m.out and m.reply_to == post.message_id]
    files = [m for m in answers if is_file(m)]
    texts = [m.text for m in answers if not m.deleted and not is_file(m) and not is_open(m)]
    copies = Counter(mark for m in files for mark in post.marks if m.text.endswith(mark))
    crashed = sum(CRASHED in text for text in texts)
    given_up = min(crashed, _died_twice(play, post))
    cancelled = texts.count(CANCELLED) if post.kind.cancel_at is not None else 0
    asked = next(m for m in messages if m.id == post.message_id)
    missing = max(0, len(post.marks) - len(copies) - len(texts))
    is_seen = bool(asked.reactions or answers)
    others = len(texts) - given_up - cancelled
    return Fates(
        links=len(post.marks),
        delivered=len(copies),
        told=others if post.kind.fails else 0,
        cancelled=cancelled,
        given_up=given_up,
        unseen=0 if is_seen else missing,
        lost=missing if is_seen else 0,
        twice=len(files) - len(copies),
        unwanted=_unwanted(play, post) if post in play.cancelled else 0,
        both=max(0, len(copies) + len(texts) - len(post.marks)),
        wrong=len(copies) if post.kind.fails else others,
        damaged=sum(_is_damaged(play, post, m) for m in files),
        stale=sum(is_open(m) for m in answers),
    )


def _died_twice(play: Play, post: Post) -> int:
    """How many jobs of a post the bot worked on when it died, twice at least."""
    return sum(len(play.bot.deaths[row.id]) > 1 for row in play.rows_of(post))


def _unwanted(play: Play, post: Post) -> int:
    births = (at for at in play.bot.births if at > play.cancelled[post])
    since = next(births, math.inf)
    sent = [e for e in play.dc.history[play.since :] if e.kind == "send" and e.at > since]
    files = [e.message for e in sent if e.message is not None and is_file(e.message)]
    return sum(play.post_of(message) is post for message in files)


def _is_damaged(play: Play, post: Post, message: Message) -> bool:
    assert message.media is not None
    if post.kind.is_copy:
        return message.media.sha256 != play.digest(post)
    return not message.media.duration or message.media.duration < 9


async def settled(play: Play, *, within_s: float) -> dict[Post, Fates]:
    """Return what became of the links once nothing more can change, or after so long."""
    since = time.time()
    try:
        async with asyncio.timeout(within_s):
            while not await _is_settled(play, since):
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        pass
    return await fates_of(play)


async def _is_settled(play: Play, since: float) -> bool:
    """Whether all is well, or all jobs have ended and what is missing had its time to come."""
    rows = play.rows()
    if not rows or not all(row.has_ended for row in rows):
        return False
    fates = (await fates_of(play)).values()
    if all(fate.is_settled for fate in fates) and not play.bot.folders:
        return True
    last = max(since, *(row.ended_at for row in rows))  # it may have ended before a restart
    has_all = len(rows) == sum(len(post.marks) for post in play.posts)
    return time.time() - last > (SETTLE_S if has_all else UNSEEN_S)


async def described(play: Play, post: Post) -> list[str]:
    """What is known about a post, for people."""
    messages = await play.dc.messages(post.chat_id)
    answers = [m for m in messages if m.out and m.reply_to == post.message_id]
    lines = [f"{post.kind.name} {post.marks} in {post.chat_id}, message {post.message_id}"]
    lines += [f"  {row}, {len(play.bot.deaths[row.id])} deaths" for row in play.rows_of(post)]
    for m in answers:
        media = m.media and f"{m.media.kind} of {m.media.size}"
        buttons = [button.text for row in m.buttons for button in row]
        lines.append(f"  {m.id} {'deleted ' if m.deleted else ''}{media} {m.text!r} {buttons}")
    return lines
