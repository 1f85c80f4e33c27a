"""Who may pass: one account per call, with its word, its bytes and its open connections."""

import asyncio
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from userbot.egress.refusals import pass_refused, too_busy
from userbot.egress.words import Added, Removed, Spent

MAX_LOOKUPS = 6  # of one call: names that nobody answers for must not take all threads
MAX_CONNECTIONS = 64  # of one call; yt-dlp fetches four fragments at once, of two streams


@dataclass(slots=True)
class Account:
    """One call. Above `cap_bytes` its connections are cut, and there are no new ones."""

    name: str
    word: str
    cap_bytes: int
    moved_bytes: int = 0
    private_refusals: int = 0
    is_link_refused: bool = False  # the first place that it asked for: the link's own
    is_fresh: bool = True
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    lookups: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_LOOKUPS))

    @property
    def is_spent(self) -> bool:
        """Whether it has had all that it may have."""
        return self.moved_bytes > self.cap_bytes

    def refuse(self, *, is_first: bool) -> None:
        """Take note of a way into a private network."""
        self.private_refusals += 1
        self.is_link_refused |= is_first

    def cut(self) -> None:
        """End all its connections."""
        for task in self.tasks:
            task.cancel()


class Ledger:
    """All accounts there are. `tell` is called once for each that was cut at its cap."""

    def __init__(self, tell: Callable[[Spent], None]) -> None:
        self._accounts: dict[str, Account] = {}
        self._tell = tell

    def add(self, name: str, word: str, cap_bytes: int) -> Added:
        """Let a call pass from now on."""
        self._accounts[name] = Account(name, word, cap_bytes)
        return Added(name)

    def remove(self, name: str) -> Removed:
        """Let a call pass no more, end its connections, and return what it did."""
        account = self._accounts.pop(name, None) or Account(name, "", 0)
        account.cut()
        return Removed(
            name=name,
            moved_bytes=account.moved_bytes,
            private_refusals=account.private_refusals,
            is_link_refused=account.is_link_refused,
            is_spent=account.is_spent,
        )

    def find(self, pass_word: str | None) -> Account:
        """Return the account whose `name:word` this is. Raises Refusal."""
        name, _, word = (pass_word or "").partition(":")
        account = self._accounts.get(name)
        if account is None or not hmac.compare_digest(account.word.encode(), word.encode()):
            raise pass_refused()
        return account

    @contextmanager
    def connection(self, account: Account) -> Iterator[None]:
        """Count this task as a connection of account for the block. Raises Refusal."""
        task = asyncio.current_task()
        assert task is not None
        if account.is_spent or len(account.tasks) >= MAX_CONNECTIONS:
            raise too_busy()
        account.tasks.add(task)
        try:
            yield
        finally:
            account.tasks.discard(task)

    def moved(self, account: Account, count: int) -> None:
        """Take note of bytes; past the cap the account is cut and the bot told."""
        was_spent = account.is_spent
        account.moved_bytes += count
        if account.is_spent and not was_spent:
            account.cut()
            self._tell(Spent(account.name))
