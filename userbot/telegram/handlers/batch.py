"""The links of one message: which may be opened, and what is said of those that were not."""

from collections.abc import Sequence

from userbot.domain.urls import AllowList, check_link
from userbot.errors import LinkRefusedError, UserbotError
from userbot.telegram import texts


class Batch:
    """`urls` are those that may be opened, of the first `most`, by their places there, from 1.

    `kept` are those that were kept, by whoever opens them.
    """

    def __init__(self, links: Sequence[str], allow: AllowList, most: int) -> None:
        self._links = links
        self._most = most
        self._refused: dict[int, UserbotError] = {}
        self.urls: dict[int, str] = {}
        self.kept: set[str] = set()
        for number, link in enumerate(links[:most], 1):
            try:
                self.urls[number] = check_link(link, allow)
            except LinkRefusedError as error:
                self._refused[number] = error

    def answer(self, refusal: UserbotError | None) -> str:
        """Return which links were not taken, and why; "" when all were."""
        taken = sum(url in self.kept for url in self.urls.values())
        if taken == len(self._links):
            return ""
        rest = [] if refusal is None else [texts.problem(refusal)]
        if len(self._links) == 1:
            return "\n".join([*map(texts.problem, self._refused.values()), *rest])
        numbers: dict[str, list[int]] = {}
        for number, error in self._refused.items():
            numbers.setdefault(texts.problem(error), []).append(number)
        reasons = [texts.about_links(which, problem) for problem, which in numbers.items()]
        if len(self._links) > self._most:
            rest.append(texts.most_links(self._most))
        return "\n".join([texts.links_taken(taken, len(self._links)), *reasons, *rest])
