"""A part as a message: what a thread needs to turn bytes of a file into a packet."""

import os
import struct
from dataclasses import dataclass

from userbot.telegram.uploader import mtproto
from userbot.telegram.uploader.cipher import PartCipher
from userbot.telegram.uploader.mtproto import AuthKey, Session
from userbot.telegram.uploader.settings import PART_BYTES
from userbot.telegram.uploader.source import OpenFile, digest_of
from userbot.telegram.uploader.upload import Upload


@dataclass(frozen=True, slots=True)
class PartMessage:
    """One numbered saveFilePart or saveBigFilePart, still without its bytes."""

    message_id: int
    key: AuthKey
    head: bytes  # all that stands before the file's bytes
    file: OpenFile
    offset: int
    size_bytes: int
    wants_digest: bool

    def seal(self, cipher: PartCipher) -> tuple[memoryview | bytes, bytes]:
        """Return the packet, and the digest of the part if wanted. Blocks; run in a thread.

        Raises DeliveryError FILE_CHANGED or OSError when the file does not give the bytes.
        """
        digest = b""

        def fill(message: memoryview) -> None:
            nonlocal digest
            start, end = len(self.head), len(self.head) + self.size_bytes
            message[:start] = self.head
            self.file.read_into(message[start:end], self.offset)
            message[end:] = _tail(end, len(message))
            if self.wants_digest:
                digest = digest_of(message[start:end])

        length = -(-(len(self.head) + self.size_bytes) // 4) * 4
        packet = cipher.packet(self.key, length + mtproto.padding_of(length), fill)
        return packet, digest


def part_message(session: Session, upload: Upload, index: int) -> PartMessage:
    """Give a part its number; it has to be written before any other message is numbered."""
    size = upload.size_of(index)
    query = _query(upload, index) + mtproto.bytes_head(size)
    body_bytes = -(-(len(query) + size) // 4) * 4
    message_id, seqno = session.number()
    return PartMessage(
        message_id,
        session.key,
        session.header(message_id, seqno, body_bytes) + query,
        upload.file,
        index * PART_BYTES,
        size,
        wants_digest=not upload.source.is_whole,
    )


def _query(upload: Upload, index: int) -> bytes:
    file_id = upload.state.file_id
    if upload.is_small:
        return struct.pack("<Iqi", mtproto.SAVE_FILE_PART, file_id, index)
    total = upload.total_in(index)
    return struct.pack("<Iqii", mtproto.SAVE_BIG_FILE_PART, file_id, index, total)


def _tail(used: int, length: int) -> bytes:
    """Return TL's zeroes up to a multiple of four, then MTProto's random padding."""
    zeroes = -used % 4
    return bytes(zeroes) + os.urandom(length - used - zeroes)
