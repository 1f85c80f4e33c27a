"""Which of the owner's proxies leads to which site: the lines of SITE_PROXY_FILE.

A line is a host, which counts for all names below it too, and the URL of a proxy, or `direct`. The
longest host that fits wins; `*` is for all others. A proxy of the schemes `httph`, `socks4a` and
`socks5h` looks up names itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from userbot.domain.hosts import normal_host
from userbot.errors import LinkRefusedError

PROXY_URL = re.compile(
    r"(httph?|socks4a?|socks5h?)://(\S+@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+):[0-9]{1,5}/?"
)
MAX_CHARS = 64 * 1024
_OTHERS, _DIRECT = "*", "direct"


@dataclass(frozen=True, slots=True, repr=False)
class SiteProxies:
    """`urls`: those of proxies, or `direct`, by host. They hold passwords."""

    urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "SiteProxies":
        """Read lines. Raises ValueError with the number of a bad one, never with its words."""
        if len(text) > MAX_CHARS:
            raise ValueError(f"longer than {MAX_CHARS} characters")
        urls: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            host = _host(words[0])
            if len(words) != 2 or host is None or not _is_way(words[1]):
                raise ValueError(f"line {number} is not a host and a proxy")
            if host in urls:
                raise ValueError(f"line {number} names a host for the second time")
            urls[host] = words[1]
        return cls(urls)

    @property
    def text(self) -> str:
        """What `parse` reads."""
        return "".join(f"{host} {way}\n" for host, way in self.urls.items())

    @property
    def proxies(self) -> frozenset[str]:
        """The URLs of all proxies."""
        return frozenset(self.urls.values()) - {_DIRECT}

    def for_others(self, url: str) -> "SiteProxies":
        """Return the same with url for all sites that are not named here."""
        return self if _OTHERS in self.urls else SiteProxies({**self.urls, _OTHERS: url})

    def proxy_of(self, host: str) -> str | None:
        """Return the URL of the proxy to a normal host, None for the direct way."""
        ways = (self.urls[name] for name in _names_of(host) if name in self.urls)
        way = next(ways, _DIRECT)
        return None if way == _DIRECT else way


def _names_of(host: str) -> Iterator[str]:
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield host
    yield _OTHERS


def _host(word: str) -> str | None:
    if word == _OTHERS:
        return word
    try:
        return normal_host(word.removeprefix("*").removeprefix(".").strip("[]"))
    except LinkRefusedError:
        return None


def _is_way(word: str) -> bool:
    return word == _DIRECT or PROXY_URL.fullmatch(word) is not None
