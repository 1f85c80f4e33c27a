"""The bytes of one TCP connection: packets of MTProto's intermediate transport, in and out.

A plain socket and no asyncio transport: a thread that has just encrypted a part sends it while it
is still in the cache, and the event loop has nothing to copy.
"""

import asyncio
import contextlib
import fcntl
import logging
import socket
import struct
import termios
from collections import deque
from typing import Protocol

from userbot.telegram.uploader.mtproto import ProtocolError

log = logging.getLogger(__name__)

# https://core.telegram.org/mtproto/mtproto-transports
_INTERMEDIATE = b"\xee\xee\xee\xee"
_MAX_PACKET_BYTES = 4 * 1024 * 1024
_READ_BYTES = 64 * 1024
_DISCARD = struct.pack("ii", 1, 0)  # SO_LINGER: what was not sent by the close never is
_NOTHING = memoryview(b"")  # keeps no packet in memory
Data = bytes | memoryview


class Listener(Protocol):
    """Who is told what comes, on the event loop."""

    def received(self, packets: list[memoryview]) -> None:
        """Take whole packets. Raises ProtocolError and its like for what makes no sense."""

    def has_room(self) -> None:
        """Go on: all that was written has left."""

    def ended(self) -> None:
        """Forget the line. Told once, after any end."""


async def connected(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to an IP address. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    created = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        created.setblocking(False)
        created.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        created.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        await asyncio.get_running_loop().sock_connect(created, (host, port))
    except BaseException:
        created.close()
        raise
    return created


class Line:
    """Owns a connected socket. Lives on the event loop, except for `push`."""

    def __init__(self, connected: socket.socket, listener: Listener) -> None:
        self.is_open = True
        self._socket = connected
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._unsent: deque[memoryview] = deque()
        self._sent_bytes = 0
        self._is_held = False
        self._descriptor = connected.fileno()
        self._loop.add_reader(self._descriptor, self._readable)
        self.write(_INTERMEDIATE)

    @property
    def is_blocked(self) -> bool:
        """Whether something still waits for room in the socket."""
        return bool(self._unsent)

    @property
    def written_bytes(self) -> int:
        """How much was ever given to it."""
        return self._sent_bytes + sum(map(len, self._unsent))

    def arrived_bytes(self) -> int:
        """Return how much of that the other side's TCP has confirmed."""
        if not self.is_open:
            return 0
        answer = fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, bytes(4))
        return self._sent_bytes - int.from_bytes(answer, "little")

    def write(self, data: Data) -> None:
        """Send, or keep it until there is room."""
        rest = memoryview(data) if self._unsent else self.push(data)
        self.keep(rest)

    def push(self, data: Data) -> memoryview:
        """Return what the socket does not take now. For a thread: within `hold`, and alone."""
        view = memoryview(data)
        try:
            count = self._socket.send(view)
        except OSError:  # no room; or it is broken, which shows when it is written next
            return view
        self._sent_bytes += count
        return view[count:] if count < len(view) else _NOTHING

    def keep(self, rest: memoryview) -> None:
        """Send the rest of something as soon as there is room."""
        if not rest or not self.is_open:
            return
        if not self._unsent:
            self._loop.add_writer(self._descriptor, self._writable)
        self._unsent.append(rest)

    def hold(self) -> None:
        """Keep the descriptor for a thread, even when the line is closed meanwhile."""
        self._is_held = True

    def release(self) -> None:
        """End the hold."""
        self._is_held = False
        if not self.is_open:
            self._socket.close()

    def close(self) -> None:
        """End it now; the listener is told a little later."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._unsent.clear()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if not self._is_held:
            self._socket.close()
        self._loop.call_soon(self._listener.ended)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._buffer += data
        try:
            if packets := list(iter(self._next_packet, None)):
                self._listener.received(packets)
        except (ProtocolError, struct.error, IndexError) as error:
            log.warning("a connection for uploads speaks no MTProto: %s", error)
            self.close()
        if not data:
            self.close()

    def _writable(self) -> None:
        while self._unsent:
            try:
                count = self._socket.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.close()
                return
            self._sent_bytes += count
            if count < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][count:]
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._descriptor)
        self._listener.has_room()

    def _next_packet(self) -> memoryview | None:
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "little")
        if not 0 < length <= _MAX_PACKET_BYTES:
            raise ProtocolError("length")
        if len(self._buffer) < 4 + length:
            return None
        packet = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return memoryview(packet)
