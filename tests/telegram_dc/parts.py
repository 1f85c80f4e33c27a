"""Parts of files, the fast way: no TL objects, no task, no copy between socket and disk."""

import logging
import struct
from typing import TYPE_CHECKING

from tests.telegram_dc import tl
from tests.telegram_dc.errors import RpcError
from tests.telegram_dc.part_rules import Part
from tests.telegram_dc.rpc.call import check_login
from tests.telegram_dc.session import Session
from tests.telegram_dc.transport import Link

if TYPE_CHECKING:
    from tests.telegram_dc.server import Server

log = logging.getLogger(__name__)

SAVE_FILE_PART = tl.functions.upload.SaveFilePart.ID
SAVE_BIG_FILE_PART = tl.functions.upload.SaveBigFilePart.ID


class PartReceiver:
    def __init__(self, server: "Server") -> None:
        self.server = server

    def receive(self, session: Session, link: Link, message_id: int, body: memoryview) -> None:
        link.carried_parts = True
        part = _peeked(body)
        self.server.journal.rpc[part.method] += 1
        try:
            answer = self._kept(session, part)
        except RpcError as fault:
            answer = tl.rpc_error(fault.code, fault.text)
        if answer is not None:
            self.server.answer(session, link, message_id, answer)

    def _kept(self, session: Session, part: Part) -> bool | None:
        """True, or None when the answer shall be lost. Raises RpcError."""
        faults, files = self.server.faults, self.server.files
        faults.refuse(part.method)
        check_login(session.auth)
        if not faults.part():
            return None
        upload = files.accept(session.auth.id, part)
        try:
            # Into the page cache: a thread for it would cost more than the copying.
            upload.write(part.number, part.data)
        except OSError as error:
            log.exception("a part could not be written")
            raise RpcError(500, "FILE_WRITE_FAILED") from error
        files.written(upload, part)
        return None if faults.swallows(part.method) else True


def _peeked(body: memoryview) -> Part:
    """The part in a saveFilePart or saveBigFilePart."""
    if int.from_bytes(body[:4], "little") == SAVE_FILE_PART:
        file_id, index = struct.unpack_from("<qi", body, 4)
        return Part("upload.saveFilePart", file_id, index, 0, tl.bytes_at(body, 16))
    file_id, index, total = struct.unpack_from("<qii", body, 4)
    # 0 stands for "small" inside, so a total of 0, which is never right, becomes one that is not
    data = tl.bytes_at(body, 20)
    return Part("upload.saveBigFilePart", file_id, index, total or -2, data)
