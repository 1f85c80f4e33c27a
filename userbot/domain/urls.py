"""Which links we open: finds them in a text, refuses the hostile ones, writes one in one way only.

Only what a link itself says is judged here. What a name resolves to, and where a site redirects,
is not.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from userbot.errors import LinkRefusedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_LINK_CHARS = 2048
MAX_HOST_CHARS = 253  # RFC 1035, without the trailing dot
MAX_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}

PRIVATE_SUFFIXES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")
PRIVATE_SUFFIXES_OF_HABIT = (".intranet", ".lan", ".home", ".corp")
IPV6_UNICAST = IPv6Network("2000::/3")
IPV6_TUNNELS = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))  # Teredo, 6to4: an IPv4 inside

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
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_DOTTED_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")

_TRACKING = re.compile(r"(?:utm_\w+|fbclid|gclid|dclid|yclid|msclkid|igsh|igshid|mc_cid|mc_eid)=?")
_TRACKING_OF_SITE = {
    "youtube.com": frozenset({"si", "pp", "feature"}),
    "youtu.be": frozenset({"si", "pp", "feature"}),
    "spotify.com": frozenset({"si"}),
    "twitter.com": frozenset({"s", "t"}),
    "x.com": frozenset({"s", "t"}),
}
# Many sites name the video after "#", so a fragment stays unless it surely names none: a start
# time, marked text, tracking, or what yt-dlp would take for a note from itself and obey
# ("#__youtubedl_smuggle" in its utils).
_NOISE_FRAGMENT = re.compile(r"#(?:$|:~:|(?:t|at|xtor|utm_\w+)=)|.*__youtubedl_smuggle")


class LinkProblem(StrEnum):
    """Why a link is not opened."""

    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PRIVATE = "private"
    TOO_LONG = "too_long"
    BAD_HOST = "bad_host"
    NOT_A_LINK = "not_a_link"


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

    def permits(self, host: str, port: int) -> bool:
        """Tell whether host, in any spelling, is on the list for port."""
        try:
            place = normal_host(host)
        except LinkRefusedError:
            return False
        address = _address(place)
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

    A bare domain gets `https://`. A second call changes nothing. Raises LinkRefusedError with a
    LinkProblem.
    """
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
    if not _is_public_host(host) and not allow.permits(host, port):
        raise LinkRefusedError(LinkProblem.PRIVATE)
    place = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        place = f"{place}:{port}"
    tail = _without_tracking(query, host) + ("" if _NOISE_FRAGMENT.match(fragment) else fragment)
    link = f"{scheme}://{place}{path or '/'}{tail}"
    if len(link) > MAX_LINK_CHARS:
        raise LinkRefusedError(LinkProblem.TOO_LONG)
    return link


def normal_host(raw: str) -> str:
    """Return a host as a lower-case ASCII name, or as an address the way `ipaddress` writes it.

    Every spelling of an IPv4 address is understood that some resolver understands (one number,
    hexadecimal, octal, short forms, foreign digits). Raises LinkRefusedError for what is no host,
    and for an IPv6 zone.
    """
    name = unicodedata.normalize("NFKC", raw).replace("\u3002", ".")  # IDNA takes it for a dot
    if ":" in name:
        return _normal_ipv6(name)
    if len(name) > MAX_HOST_CHARS + 1:
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    try:
        name = name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise LinkRefusedError(LinkProblem.BAD_HOST) from error
    labels = name.split(".")
    if len(name) > MAX_HOST_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    return _normal_ipv4(labels) if _NUMBER.fullmatch(labels[-1]) else name


def is_public_address(address: Address) -> bool:
    """Tell whether address is in the open internet, and holds no other address inside."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in IPV6_UNICAST and not any(address in tunnel for tunnel in IPV6_TUNNELS)


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
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
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
    return (_normal_ipv6(host[1:-1]) if host.startswith("[") else normal_host(host)), port


def _normal_ipv4(labels: list[str]) -> str:
    """Read an address as inet_aton does: 1 to 4 numbers, the last of which fills what is left."""
    if len(labels) > 4 or not all(_NUMBER.fullmatch(label) for label in labels):
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    *heads, last = [_number(label) for label in labels]
    if any(head > 255 for head in heads) or last >= 256 ** (4 - len(heads)):
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    value = last + sum(head << (24 - 8 * place) for place, head in enumerate(heads))
    return str(IPv4Address(value))


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    try:
        return int(label, 8 if label.startswith("0") else 10)
    except ValueError as error:  # 08
        raise LinkRefusedError(LinkProblem.BAD_HOST) from error


def _normal_ipv6(text: str) -> str:
    if "%" in text:  # a zone is an interface of this machine
        raise LinkRefusedError(LinkProblem.PRIVATE)
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise LinkRefusedError(LinkProblem.BAD_HOST) from error


def _is_public_host(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return is_public_address(address)
    if "." not in host:
        return False  # a name of the own network: a router, a container
    return not host.endswith(PRIVATE_SUFFIXES + PRIVATE_SUFFIXES_OF_HABIT)


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _without_tracking(query: str, host: str) -> str:
    """Drop what tracks from `?query`; without any it stays verbatim, as it may be signed."""
    of_site: frozenset[str] = frozenset()
    for site, names in _TRACKING_OF_SITE.items():
        if host == site or host.endswith(f".{site}"):
            of_site = names
    items = query[1:].split("&")
    kept = [item for item in items if not _is_tracking(item.partition("=")[0], of_site)]
    if len(kept) < len(items):
        query = "?" + "&".join(kept)
    return "" if query == "?" else query


def _is_tracking(name: str, of_site: frozenset[str]) -> bool:
    return name in of_site or _TRACKING.fullmatch(name.lower()) is not None


def _allow_entry(entry: str) -> tuple[Network | str, int | None]:
    try:
        return ip_network(entry, strict=False), None
    except ValueError:
        pass  # not an address alone
    try:
        host, port = _host_and_port(entry, default_port=0)
    except LinkRefusedError as error:
        raise ValueError(entry) from error
    address = _address(host)
    return (host if address is None else ip_network(address)), port or None
