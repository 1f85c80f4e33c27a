"""Pages that are small on the line and a gibibyte once somebody unpacks them, in every coding."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import cache

import brotli

from tests.video_site.bodies import MIB, plain
from tests.video_site.wire import Response

UNPACKED_BYTES = 1024 * MIB
PART_BYTES = 16 * MIB
PARTS = UNPACKED_BYTES // PART_BYTES
ZSTD_BLOCK_BYTES = 128 * 1024  # RFC 8878: no block unpacks to more

_LINE = b"<p>waves</p>   \n"


def packed(coding: str) -> Response:
    """Return the page in a content coding. Raises KeyError for one that is not known."""
    headers = {"Content-Encoding": coding}
    return Response(
        plain(_MADE[coding]()), content_type="text/html; charset=utf-8", headers=headers
    )


@cache
def _part() -> bytes:
    return _LINE * (PART_BYTES // len(_LINE))


@cache
def _gzip() -> bytes:
    return gzip.compress(_part(), mtime=0) * PARTS


@cache
def _gzip_twice() -> bytes:
    return gzip.compress(_gzip(), mtime=0)


@cache
def _deflate() -> bytes:
    """Return parts that a full flush made independent of each other."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS)
    packed = packer.compress(_part()) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed[:2] + packed[2:] * PARTS  # nobody gets to its end, so it has none


@cache
def _brotli() -> bytes:
    packer = brotli.Compressor(quality=1)
    pieces = [packer.process(_part()) for _ in range(PARTS)]
    return b"".join([*pieces, packer.finish()])


@cache
def _zstd() -> bytes:
    """Return blocks that each say "this byte, so many times" (RFC 8878, 3.1.1)."""
    count = UNPACKED_BYTES // ZSTD_BLOCK_BYTES
    head = b"\x28\xb5\x2f\xfd\x00\x50"  # a frame with a window of 1 MiB
    return head + _zstd_block(is_last=False) * (count - 1) + _zstd_block(is_last=True)


def _zstd_block(*, is_last: bool) -> bytes:
    return (ZSTD_BLOCK_BYTES << 3 | 1 << 1 | is_last).to_bytes(3, "little") + b"~"


_MADE: Mapping[str, Callable[[], bytes]] = {
    "gzip": _gzip,
    "gzip, gzip": _gzip_twice,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
