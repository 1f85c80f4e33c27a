"""Which links we open: finds them in a text, refuses the hostile ones, writes one in one way only.

Only what a link itself says is judged here. What a name resolves to, and where a site redirects,
is not.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from userbot.domain.hosts import (
    NUMBER,
    LinkProblem,
    Network,
    address_of,
    is_public_host,
    normal_host,
    normal_ipv6,
)
from userbot.domain.tracking import target_of, without_fragment_noise, without_tracking
from userbot.domain.web_ports import is_web_port
from userbot.errors import LinkRefusedError

__all__ = ["MAX_LINK_CHARS", "AllowList", "LinkProblem", "check_link", "find_links"]

MAX_LINK_CHARS = 2048
MAX_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}

# A link in prose ends at a space, a quote or a bracket that no link holds, an invisible character,
# and at the punctuation of scripts that write without spaces.
_ENDS_LINK = (
    r"\s<>\"`\x00-\x1f\x7f\u00ab\u00bb\u200b\u200e\u200f\u201c-\u201f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\ufffc\ud800-\udfff"
)
_LINK = re.compile(
    # "...abchttps://..." is two links pasted without a space between them
    rf"([A-Za-z][A-Za-z0-9+.-]{{0,30}})://((?:(?!(?<=\w)https?://)[^{_ENDS_LINK}])+)"
)
_NEVER_IN_LINK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_AROUND_LINK = " \t\r\n\u200b\u200e\u200f\u2060\ufeff"
_TRAILING = frozenset(".,;:!?'*|\u2026\u2019")
_BRACKETS = {")": "(", "]": "[", "}": "{"}

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_DOTTED_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Private places that may be reached all the same. A port of None stands for every port."""

    networks: tuple[tuple[Network, int | None], ...] = ()
    names: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "AllowList":
        """Read `10.0.0.5`, `10.0.0.0/8`, `::1`, `host`, `host:port`, `10.0.0.5:port`, `[::1]:port`.

        Raises ValueError with the first entry that is none of these.
        """
        networks: list[tuple[Network, int | None]] = []
        names: set[tuple[str, int | None]] = set()
        for entry in entries:
            place, port = _allow_entry(entry.strip())
            if isinstance(place, str):
                names.add((place, port))
            else:
                networks.append((place, port))
        return cls(tuple(networks), frozenset(names))

    @property
    def entries(self) -> tuple[str, ...]:
        """The list as `parse` reads it."""
        places = [
            (str(network if port is None else network.network_address), port)
            for network, port in self.networks
        ]
        return tuple(_entry(place, port) for place, port in [*places, *sorted(self.names, key=str)])

    def permits(self, host: str, port: int) -> bool:
        """Tell whether host, in any spelling, is on the list for port."""
        try:
            place = normal_host(host)
        except LinkRefusedError:
            return False
        address = address_of(place)
        if address is None:
            return not self.names.isdisjoint({(place, None), (place, port)})
        return any(address in network and on in (None, port) for network, on in self.networks)


def find_links(text: str) -> list[str]:
    """Return everything in text that looks like `scheme://...`, as written, each once, in order.

    Any scheme counts, so that the unsupported ones can be refused with a reason. Takes linear time.
    """
    return list(dict.fromkeys(_links(text)))


def check_link(url: str, allow: AllowList) -> str:
    """Return url in its normal form: http or https, an ASCII host, nothing that only tracks.

    A bare domain gets `https://`, a detour becomes what it leads to. A second call changes nothing.
    Raises LinkRefusedError with a LinkProblem.
    """
    normal, target = _checked(url, allow)
    while target is not None:  # each is shorter than what led to it, or the last
        normal, target = _checked(target, allow)
    return normal


def _links(text: str) -> Iterator[str]:
    for match in _LINK.finditer(text):
        scheme, rest = match[1], _without_trailing(match[2])
        for known in ("https", "http"):
            if scheme.lower().endswith(known):
                scheme = scheme[-len(known) :]  # "see.http://" is a word and a link
                break
        if rest:
            yield f"{scheme}://{rest}"


def _without_trailing(rest: str) -> str:
    """Drop the punctuation of the sentence around, and brackets that the link did not open."""
    surplus = {close: rest.count(close) - rest.count(mate) for close, mate in _BRACKETS.items()}
    end = len(rest)
    while end:
        char = rest[end - 1]
        if char in surplus and surplus[char] > 0:
            surplus[char] -= 1
        elif char not in _TRAILING:
            break
        end -= 1
    return rest[:end]


def _checked(url: str, allow: AllowList) -> tuple[str, str | None]:
    """Return the normal form of url, and the link that it is only a detour to."""
    scheme, host, port, rest = _parts(url)
    if not allow.permits(host, port):
        if not is_public_host(host):
            raise LinkRefusedError(LinkProblem.PRIVATE)
        if not is_web_port(port):
            raise LinkRefusedError(LinkProblem.BAD_PORT)
    path, query, fragment = rest
    place = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        place = f"{place}:{port}"
    tail = without_tracking(query, host) + without_fragment_noise(fragment)
    link = f"{scheme}://{place}{path or '/'}{tail}"
    if len(link) > MAX_LINK_CHARS:
        raise LinkRefusedError(LinkProblem.TOO_LONG)
    return link, target_of(host, path or "/", query)


def _parts(url: str) -> tuple[str, str, int, tuple[str, str, str]]:
    """Return scheme, normal host, port, and path, query and fragment as they are."""
    text = url.strip(_AROUND_LINK)
    if len(text) > MAX_LINK_CHARS:
        raise LinkRefusedError(LinkProblem.TOO_LONG)
    if not text or _NEVER_IN_LINK.search(text):
        raise LinkRefusedError(LinkProblem.NOT_A_LINK)
    parts = _PARTS.fullmatch(_with_scheme(text))
    if parts is None:
        raise LinkRefusedError(LinkProblem.NOT_A_LINK)
    scheme, authority, path, query, fragment = parts.groups(default="")
    scheme = scheme.lower()
    host, port = _host_and_port(authority, DEFAULT_PORTS[scheme])
    return scheme, host, port, (path, query, fragment)


def _with_scheme(text: str) -> str:
    """Put `https://` before a bare domain. Refuses other schemes and plain words."""
    scheme, colon, rest = text.partition(":")
    if text.startswith("//"):
        return f"https:{text}"
    if colon and rest[:1] not in tuple("0123456789") and _SCHEME.fullmatch(scheme):
        if scheme.lower() not in DEFAULT_PORTS:
            raise LinkRefusedError(LinkProblem.SCHEME)
        return text
    if not _looks_like_domain(re.split(r"[/?#]", text, maxsplit=1)[0]):
        raise LinkRefusedError(LinkProblem.NOT_A_LINK)
    return f"https://{text}"


def _looks_like_domain(authority: str) -> bool:
    """Tell `example.com`, `example.com:8080`, `1.2.3.4` from `word`, `3.14`, `me@example.com`."""
    host = authority.partition(":")[0].removesuffix(".").lower()
    if "@" in authority:
        return False
    if NUMBER.fullmatch(host.rpartition(".")[2]):
        return _DOTTED_QUAD.fullmatch(host) is not None
    return "." in host.strip(".") or host == "localhost"


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    authority = unicodedata.normalize("NFKC", authority)
    if "@" in authority:
        raise LinkRefusedError(LinkProblem.CREDENTIALS)
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not 0 < int(match[2] or 1) <= MAX_PORT:
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    host, port = match[1], int(match[2] or default_port)
    return (normal_ipv6(host[1:-1]) if host.startswith("[") else normal_host(host)), port


def _allow_entry(entry: str) -> tuple[Network | str, int | None]:
    try:
        return ip_network(entry, strict=False), None
    except ValueError:
        pass  # not an address alone
    try:
        host, port = _host_and_port(entry, default_port=0)
    except LinkRefusedError as error:
        raise ValueError(entry) from error
    address = address_of(host)
    return (host if address is None else ip_network(address)), port or None


def _entry(place: str, port: int | None) -> str:
    if port is None:
        return place
    return f"[{place}]:{port}" if ":" in place else f"{place}:{port}"
