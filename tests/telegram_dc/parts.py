"""Parts of files, the fast way: no TL objects, no task, no copy between socket and disk."""

import asyncio
import logging
import struct
from functools import partial
from typing import TYPE_CHECKING

from tests.telegram_dc import tl
from tests.telegram_dc.errors import RpcError
from tests.telegram_dc.files import Part, Upload
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
            self.server.faults.refuse(part.method)
            check_login(session.auth)
            if not self.server.faults.part():
                return
            upload = self.server.files.accept(session.auth.id, part)
        except RpcError as fault:
            self.server.answer(session, link, message_id, tl.rpc_error(fault.code, fault.text))
            return
        future = self.server.loop.run_in_executor(
            self.server.threads, upload.write, part.number, part.data
        )
        future.add_done_callback(partial(self._written, session, link, message_id, upload, part))

    def _written(
        self,
        session: Session,
        link: Link,
        message_id: int,
        upload: Upload,
        part: Part,
        future: "asyncio.Future[None]",
    ) -> None:
        if future.cancelled():
            return
        if error := future.exception():
            log.error("a part could not be written: %s", error)
            self.server.answer(session, link, message_id, tl.rpc_error(500, "FILE_WRITE_FAILED"))
            return
        self.server.files.written(upload, part)
        if not self.server.faults.swallows(part.method):
            self.server.answer(session, link, message_id, True)


def _peeked(body: memoryview) -> Part:
    """The part in a saveFilePart or saveBigFilePart."""
    if int.from_bytes(body[:4], "little") == SAVE_FILE_PART:
        file_id, index = struct.unpack_from("<qi", body, 4)
        return Part("upload.saveFilePart", file_id, index, 0, tl.bytes_at(body, 16))
    file_id, index, total = struct.unpack_from("<qii", body, 4)
    # 0 stands for "small" inside, so a total of 0, which is never right, becomes one that is not
    data = tl.bytes_at(body, 20)
    return Part("upload.saveBigFilePart", file_id, index, total or -2, data)
