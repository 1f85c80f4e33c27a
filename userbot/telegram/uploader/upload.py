"""One file on its way: which parts are to go, which Telegram has, and how it ends."""

import asyncio
import json
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from userbot.errors import DeliveryError, UserbotError
from userbot.telegram.uploader.settings import PART_BYTES, SMALL_FILE_BYTES
from userbot.telegram.uploader.source import DIGEST_BYTES, Identity, OpenFile, Source

log = logging.getLogger(__name__)


def _new_file_id() -> int:
    return secrets.randbits(64) - 2**63


@dataclass
class UploadState:
    """What Telegram has of a file: kept by whoever wants to go on after a restart.

    Filled while the upload runs; `dump` at any moment. Valid for the same bytes only (another size
    or time of change, and the upload begins anew), with the same login, and for "several minutes
    to hours": after that sending answers FILE_PART_X_MISSING, and a new state has to be used.
    Of a file that grows, `digests` tell what the parts were: they are compared at its end.
    """

    file_id: int = field(default_factory=_new_file_id)
    is_stream: bool | None = None
    done: set[int] = field(default_factory=set)
    identity: Identity | None = None  # None while the file grows
    digests: dict[int, bytes] = field(default_factory=dict)  # of parts read before it was whole

    def dump(self) -> str:
        """Return it as text: a bit for each part, about 1 kB for the largest file.

        While the file grows 8 bytes for each part go with it, 64 kB for the largest.
        """
        done = {i for i in self.done if self.identity or i in self.digests}
        marks = bytearray(max(done, default=0) // 8 + 1)
        for index in done:
            marks[index // 8] |= 1 << index % 8
        digests = b"" if self.identity else b"".join(self.digests[i] for i in sorted(done))
        words = [self.file_id, self.is_stream, marks.hex(), self.identity, digests.hex()]
        return json.dumps(words)

    @classmethod
    def load(cls, text: str) -> "UploadState":
        """Return what was dumped. Raises ValueError or TypeError for anything else."""
        file_id, is_stream, digits, identity, digests = json.loads(text)
        bits = int.from_bytes(bytes.fromhex(digits), "little")
        done = [index for index in range(bits.bit_length()) if bits >> index & 1]
        state = cls(int(file_id), is_stream, set(done))
        if identity:
            size, changed_ns = identity
            state.identity = size, changed_ns
        else:
            told = bytes.fromhex(digests)
            each = [told[at : at + DIGEST_BYTES] for at in range(0, len(told), DIGEST_BYTES)]
            state.digests = dict(zip(done, each, strict=True))
        return state

    def claim(self, identity: Identity | None) -> None:
        """Use it for this file; begin anew if it is about another one. None: it still grows."""
        if self.done and identity != self.identity:
            log.info("what is known of an upload belongs to another file; it begins anew")
            self.is_stream = None
            self.begin_anew()
        self.identity = identity

    def begin_anew(self) -> None:
        """Forget what Telegram has."""
        self.done.clear()
        self.digests.clear()
        self.file_id = _new_file_id()


class Upload:
    """The parts of one file. Handed out by `take`, in the order in which they may go."""

    def __init__(self, source: Source, file: OpenFile, state: UploadState) -> None:
        self.source = source
        self.file = file
        self.state = state
        self.news = asyncio.Event()
        self.error: UserbotError | None = None
        self.is_over = False  # nobody waits for it any more
        self.refusals: Counter[int] = Counter()
        self.overdue: Counter[int] = Counter()
        self.migrations = 0
        self.epoch = 0
        self._compared: set[int] = set()
        self.retries: set[asyncio.TimerHandle] = set()
        state.claim(file.opened_as if source.is_whole else None)
        size = source.size_bytes
        if state.is_stream is None:
            state.is_stream = size is None
        self.is_small = not state.is_stream and size is not None and size < SMALL_FILE_BYTES
        self.done_bytes = sum(self.size_of(index) for index in state.done)
        self._prepare_queue()

    def _prepare_queue(self) -> None:
        self._again: deque[int] = deque()
        self._fresh: deque[int] = deque()
        self._cursor = self._head = -(-self.source.head_bytes // PART_BYTES)
        self._is_last_due = bool(self.state.is_stream)
        self._taken = len(self.state.done)

    def restart(self) -> None:
        """Forget what was uploaded: it is in the wrong place."""
        self.epoch += 1
        self.state.begin_anew()
        self.done_bytes = 0
        self._prepare_queue()

    @property
    def total_parts(self) -> int:
        """How many parts there are, -1 while nobody knows."""
        size = self.source.size_bytes
        return -1 if size is None else -(-size // PART_BYTES)

    def total_in(self, index: int) -> int:
        """Return file_total_parts of a part: in a stream the last one alone tells.

        https://core.telegram.org/api/files#streamed-uploads
        """
        is_last = self.source.is_whole and index == self.total_parts - 1
        return self.total_parts if is_last or not self.state.is_stream else -1

    def size_of(self, index: int) -> int:
        """Return the length of a part."""
        size = self.source.size_bytes
        return PART_BYTES if size is None else min(PART_BYTES, size - index * PART_BYTES)

    @property
    def is_complete(self) -> bool:
        """Whether every part is acknowledged."""
        return self.source.is_whole and len(self.state.done) == self.total_parts

    @property
    def is_starved(self) -> bool:
        """Whether the writer is the one to wait for."""
        return not self.source.is_whole and self._taken <= len(self.state.done)

    @property
    def backlog(self) -> int:
        """How many parts could go at once, roughly."""
        return max(-(-self.source.available_bytes // PART_BYTES) - len(self.state.done), 0)

    def take(self) -> int | None:
        """Return the next part to send, None when there is none for now."""
        if self.is_over or self.error:
            return None
        while self._again:
            index = self._again.popleft()
            if index not in self.state.done:
                return index
        self._extend()
        while self._fresh:
            index = self._fresh.popleft()
            if index not in self.state.done:
                self._taken += 1
                return index
        return None

    def put_back(self, index: int) -> None:
        """Have a part sent again, before all others."""
        if index not in self.state.done:
            self._again.append(index)

    def read(self, index: int, digest: bytes) -> None:
        """Note what a part was when it was read; empty: the file was whole by then.

        For a thread. Raises DeliveryError FILE_CHANGED when it was something else before.
        """
        if digest and digest != self.state.digests.setdefault(index, digest):
            raise DeliveryError("FILE_CHANGED")

    def acknowledged(self, index: int) -> None:
        """Note that Telegram has a part; it may say so twice."""
        if index not in self.state.done:
            self.state.done.add(index)
            self.done_bytes += self.size_of(index)
            self.news.set()

    def put_back_later(self, index: int, delay_s: float, then: Callable[[], None]) -> None:
        """Have a part sent again after a while."""

        def due() -> None:
            self.retries.discard(handle)
            self.put_back(index)
            then()

        handle = asyncio.get_running_loop().call_later(delay_s, due)
        self.retries.add(handle)

    def settle(self) -> None:
        """Say which file it is, now that it is whole. Raises as `verify`. Blocks."""
        self._compare()
        self.state.identity = self.file.identity()

    def verify(self) -> None:
        """Raise DeliveryError FILE_CHANGED unless the file is what was uploaded. Blocks."""
        self._compare()
        now = self.file.identity()
        is_same = self.file.is_at(self.source.path)
        if not is_same or now != self.state.identity or now[0] != self.source.size_bytes:
            raise DeliveryError("FILE_CHANGED")

    def _compare(self) -> None:
        """Compare the parts that went before the end with those of the finished file, once."""
        digests = self.state.digests.copy()
        new = {i: digest for i, digest in digests.items() if i not in self._compared}
        self.file.compare(new)
        self._compared.update(new)

    def fail(self, error: UserbotError) -> None:
        """End with an error; the first one counts."""
        self.error = self.error or error
        self.news.set()

    def end(self) -> None:
        """Leave nothing running and nothing open."""
        self.is_over = True
        for handle in self.retries:
            handle.cancel()
        self.file.release()

    def _extend(self) -> None:
        """Release parts that are final by now.

        Of a growing file a part goes when there is a byte behind it: the last part, which has
        to be known as such, never goes too early, and no empty one is needed after it.
        """
        whole = self.source.is_whole
        total = self.total_parts
        end = (self.source.available_bytes - 1) // PART_BYTES
        if whole:
            end = total - 1 if self.state.is_stream else total
        if end > self._cursor:
            self._fresh.extend(range(self._cursor, end))
            self._cursor = end
        if whole and self._head:
            self._fresh.extend(range(min(self._head, end)))
            self._head = 0
        others = len(self.state.done) - (total - 1 in self.state.done)
        if whole and self._is_last_due and others == total - 1:
            self._is_last_due = False
            self._fresh.append(total - 1)
