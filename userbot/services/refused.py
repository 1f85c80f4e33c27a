"""Links that cannot work are not asked for again for a while: sites dislike it, people wait."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from userbot.errors import PERMANENT, UserbotError

REMEMBERED = timedelta(minutes=30)  # a private video may be made public
MAX_LINKS = 10_000


class Refused:
    """What a site said for good about a link, for REMEMBERED. Lost at a restart without harm."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._errors: OrderedDict[str, tuple[datetime, Callable[[], UserbotError]]] = OrderedDict()

    def learn(self, url: str, error: UserbotError) -> None:
        """Remember an error that another try would meet again; any other is not kept."""
        if not isinstance(error, PERMANENT):
            return
        self._errors.pop(url, None)
        again = partial(type(error), *error.args)  # not the error: it holds its frames
        self._errors[url] = (self._now() + REMEMBERED, again)
        if len(self._errors) > MAX_LINKS:
            self._errors.popitem(last=False)

    def forget(self, url: str) -> None:
        """Ask the site again the next time: somebody thinks that it may work now."""
        self._errors.pop(url, None)

    def check(self, url: str) -> None:
        """Raise the error that is known of a link, if any."""
        until, again = self._errors.get(url, (None, None))
        if until is None or again is None:
            return
        if until <= self._now():
            self.forget(url)
            return
        raise again()
