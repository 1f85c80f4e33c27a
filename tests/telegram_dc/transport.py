"""One TCP connection: MTProto's framings, and the network's faults (latency, bandwidth, drops)."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

from tests.telegram_dc.buffers import Buffers
from tests.telegram_dc.delay import DelayLine
from tests.telegram_dc.faults import Faults

MAX_PACKET_BYTES = 1024 * 1024 + 1024  # Telegram closes the connection on more
_SCRATCH_BYTES = 64 * 1024
_ABRIDGED, _INTERMEDIATE, _PADDED = "abridged", "intermediate", "padded"
_QUICK_ACK = 0x80000000


class Receiver(Protocol):
    """Who gets the packets of all connections."""

    faults: Faults
    buffers: Buffers

    def opened(self, link: "Link") -> bool: ...
    def closed(self, link: "Link") -> None: ...
    def received(self, link: "Link", count: int) -> None: ...
    def packet(self, link: "Link", packet: bytes | memoryview) -> None: ...
    def malformed(self, link: "Link", why: str) -> None: ...


class Link(asyncio.BufferedProtocol):
    """Long packets are read straight into a buffer of their own size: no copies, no joins."""

    def __init__(self, receiver: Receiver) -> None:
        loop = asyncio.get_running_loop()
        self.receiver = receiver
        self.transport: asyncio.Transport | None = None
        self.handshake: Any = None
        self.carried_parts = False
        self.is_main = False  # carried calls other than uploads and service messages
        self.busy = 0  # packets in decryption
        self.bytes_received = 0
        self._mode = ""
        self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        self._have = 0
        self._packet: memoryview | None = None
        self._filled = 0
        self._next_read_at = 0.0
        self._paused: set[str] = set()
        self._frozen: list[tuple[Callable[[Any], None], Any]] | None = None
        self._inward = DelayLine(loop, self._deliver)
        self._outward = DelayLine(loop, self._write)
        self._loop = loop

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    @property
    def is_intermediate(self) -> bool:
        """Whether it is framed as the bot's connections for uploads are, and Pyrogram's not."""
        return self._mode == _INTERMEDIATE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.receiver.opened(self):
            self.transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self.receiver.closed(self)

    def get_buffer(self, _size_hint: int) -> memoryview:
        if self._packet is not None:
            buffer = self._packet[self._filled :]
        else:
            buffer = self._scratch[self._have :]
        if rate := self.receiver.faults.bandwidth_bytes_s:
            return buffer[: max(1024, int(rate / 20))]
        return buffer

    def buffer_updated(self, count: int) -> None:
        if self._frozen is not None and self.transport is not None:
            self.transport.pause_reading()  # uvloop resumes it after connection_made
        self.bytes_received += count
        self._throttle(count)
        if self._packet is None:
            self._have += count
            self._split()
        else:
            self._filled += count
            if self._filled == len(self._packet):
                packet, self._packet = self._packet, None
                self._arrived(packet)
        self.receiver.received(self, count)

    def send(self, payload: bytes) -> None:
        if self.is_open:
            self._outward.put(self._framed(payload), self._delay_s)

    def fail(self, code: int) -> None:
        """Answers with a transport error and closes."""
        self.send((-code).to_bytes(4, "little", signed=True))
        self._outward.put(None, self._delay_s)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def hold(self, reason: str) -> None:
        if self.is_open and not self._paused:
            assert self.transport is not None
            self.transport.pause_reading()
        self._paused.add(reason)

    def release(self, reason: str) -> None:
        was_paused = bool(self._paused)
        self._paused.discard(reason)
        if was_paused and not self._paused and self.is_open:
            assert self.transport is not None
            self.transport.resume_reading()

    def freeze(self) -> None:
        """A black hole from now on: nothing comes in, nothing goes out, until `thaw`."""
        self.hold("outage")
        if self._frozen is None:
            self._frozen = []

    def thaw(self) -> None:
        """What was on its way arrives."""
        frozen, self._frozen = self._frozen or [], None
        for sink, item in frozen:
            sink(item)
        self.release("outage")

    @property
    def _delay_s(self) -> float:
        return self.receiver.faults.latency_ms / 1000

    def _throttle(self, count: int) -> None:
        rate = self.receiver.faults.bandwidth_bytes_s
        if not rate:
            return
        now = self._loop.time()
        self._next_read_at = max(self._next_read_at, now) + count / rate
        self.hold("bandwidth")
        self._loop.call_at(self._next_read_at, self.release, "bandwidth")

    def _split(self) -> None:
        """Takes every packet out of the scratch buffer; a packet not complete gets its own."""
        position = 0
        if not self._mode:
            position = self._detect()
        while self._mode and self.is_open:
            header = self._header(position)
            if header is None:
                break
            start, length = header
            if not 0 < length <= MAX_PACKET_BYTES:
                self.receiver.malformed(self, f"packet of {length} bytes")
                return
            end = start + length
            if end > self._have:
                self._packet = self.receiver.buffers.take(length)
                self._filled = self._have - start
                self._packet[: self._filled] = self._scratch[start : self._have]
                position = self._have
                break
            self._arrived(bytes(self._scratch[start:end]))
            position = end
        rest = self._have - position
        if position and rest:
            self._scratch[:rest] = bytes(self._scratch[position : self._have])
        self._have = rest

    def _detect(self) -> int:
        """Learns the framing from the first bytes; how many of them it used."""
        if self._have and self._scratch[0] == 0xEF:
            self._mode = _ABRIDGED
            return 1
        if self._have < 4:
            return 0
        modes = {b"\xee" * 4: _INTERMEDIATE, b"\xdd" * 4: _PADDED}
        self._mode = modes.get(bytes(self._scratch[:4]), "")
        if not self._mode:
            self.receiver.malformed(self, "unknown transport")
        return 4

    def _header(self, position: int) -> tuple[int, int] | None:
        """Where a packet's bytes start and how many they are; None when that is not here yet."""
        if self._mode == _ABRIDGED:
            return self._abridged_header(position)
        if self._have - position < 4:
            return None
        length = int.from_bytes(self._scratch[position : position + 4], "little")
        return position + 4, length & ~_QUICK_ACK

    def _abridged_header(self, position: int) -> tuple[int, int] | None:
        available = self._have - position
        if available < 1:
            return None
        words = self._scratch[position] & 0x7F
        if words != 0x7F:
            return position + 1, words * 4
        if available < 4:
            return None
        words = int.from_bytes(self._scratch[position + 1 : position + 4], "little")
        return position + 4, words * 4

    def _arrived(self, packet: bytes | memoryview) -> None:
        self._inward.put(packet, self._delay_s)

    def _deliver(self, packet: bytes | memoryview) -> None:
        if self._frozen is not None:
            self._frozen.append((self._deliver, packet))
        elif self.is_open:
            self.receiver.packet(self, packet)

    def _framed(self, payload: bytes) -> bytes:
        if self._mode == _ABRIDGED:
            words = len(payload) // 4
            if words < 0x7F:
                return bytes([words]) + payload
            return b"\x7f" + words.to_bytes(3, "little") + payload
        if self._mode == _PADDED:
            payload += os.urandom(os.urandom(1)[0] % 16)
        return len(payload).to_bytes(4, "little") + payload

    def _write(self, frame: bytes | None) -> None:
        if self._frozen is not None:
            self._frozen.append((self._write, frame))
            return
        if not self.is_open:
            return
        assert self.transport is not None
        if frame is None:
            self.transport.close()
        else:
            self.transport.write(frame)
