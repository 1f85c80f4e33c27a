"""Hosts: every spelling of one becomes the same, and public ones are told from private ones."""

import re
import unicodedata
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

import idna

from userbot.errors import LinkRefusedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_HOST_CHARS = 253  # RFC 1035, without the trailing dot

PRIVATE_SUFFIXES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")
PRIVATE_SUFFIXES_OF_HABIT = (".intranet", ".lan", ".home", ".corp")
IPV6_UNICAST = IPv6Network("2000::/3")
IPV6_TUNNELS = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))  # Teredo, 6to4: an IPv4 inside
# What `ipaddress` may take for public: documentation (RFC 9637), protocols, 6to4.
NEVER_PUBLIC = (
    *(IPv6Network("3fff::/20"), IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24")),
    IPv4Network("168.63.129.16/32"),  # what every machine of Azure asks for its settings
)

_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


class LinkProblem(StrEnum):
    """Why a link is not opened."""

    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PRIVATE = "private"
    TOO_LONG = "too_long"
    BAD_HOST = "bad_host"
    BAD_PORT = "bad_port"
    NOT_A_LINK = "not_a_link"


def normal_host(raw: str) -> str:
    """Return a host as a lower-case ASCII name, or as an address the way `ipaddress` writes it.

    Every spelling of an IPv4 address is understood that some resolver understands (one number,
    hexadecimal, octal, short forms, foreign digits). Raises LinkRefusedError for what is no host,
    and for an IPv6 zone.
    """
    name = unicodedata.normalize("NFKC", raw).replace("\u3002", ".")  # IDNA takes it for a dot
    if ":" in name:
        return normal_ipv6(name)
    if len(name) > MAX_HOST_CHARS + 1:
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    labels = _ascii_labels(name.removesuffix("."))
    name = ".".join(labels)
    if len(name) > MAX_HOST_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise LinkRefusedError(LinkProblem.BAD_HOST)
    return _normal_ipv4(labels) if NUMBER.fullmatch(labels[-1]) else name


def is_public_address(address: Address) -> bool:
    """Tell whether address is in the open internet, and holds no other address inside."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in NEVER_PUBLIC):
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in IPV6_UNICAST and not any(address in tunnel for tunnel in IPV6_TUNNELS)


def is_public_host(host: str) -> bool:
    """Tell whether a normal host is a public address, or a name that may be one's."""
    address = address_of(host)
    if address is not None:
        return is_public_address(address)
    if "." not in host:
        return False  # a name of the own network: a router, a container
    return not host.endswith(PRIVATE_SUFFIXES + PRIVATE_SUFFIXES_OF_HABIT)


def normal_ipv6(text: str) -> str:
    """Return an address without its brackets as `ipaddress` writes it. Raises LinkRefusedError."""
    if "%" in text:  # a zone is an interface of this machine
        raise LinkRefusedError(LinkProblem.PRIVATE)
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise LinkRefusedError(LinkProblem.BAD_HOST) from error


def address_of(host: str) -> Address | None:
    """Return the address that a normal host is, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _ascii_labels(name: str) -> list[str]:
    """Return the labels as DNS has them. Those in ASCII stay: some have letters that IDNA has not.

    IDNA 2008 as `requests` and curl read it; Python's own codec is of 2003 and reads some letters
    differently, so it would look for another host.
    """
    try:
        labels = idna.uts46_remap(name, std3_rules=False).lower().split(".")
        return [
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels
        ]
    except UnicodeError as error:
        raise LinkRefusedError(LinkProblem.BAD_HOST) from error


def _normal_ipv4(labels: list[str]) -> str:
    """Read an address as inet_aton does: 1 to 4 numbers, the last of which fills what is left."""
    if len(labels) > 4 or not all(NUMBER.fullmatch(label) for label in labels):
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
