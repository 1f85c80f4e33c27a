"""Which connections for uploads are let in, while there is a fault about that."""

from tests.telegram_dc.faults import Faults
from tests.telegram_dc.transport import Link

_FLOOD = 429


class Gate:
    def __init__(self) -> None:
        self._inside: set[Link] = set()

    def refusal(self, link: Link, faults: Faults) -> int:
        """The transport error that a packet is answered with; 0: none."""
        if not link.is_intermediate or not (faults.upload_connections or faults.hiccup_code):
            return 0
        self._inside = {known for known in self._inside if known.is_open}
        is_full = 0 < faults.upload_connections <= len(self._inside)
        code = faults.hiccup_code or (_FLOOD if is_full and link not in self._inside else 0)
        if not code:
            self._inside.add(link)
        return code
