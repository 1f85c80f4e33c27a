"""What a button carries: an action and a job id, at most 64 bytes, and nothing that is trusted."""

import re
from dataclasses import dataclass

from userbot.domain.jobs import JobId

_PAYLOAD = re.compile(rb"x:(?P<cancel>[0-9a-f]{8})|q:(?P<choose>[0-9a-f]{8}):(?P<index>[0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class CancelPress:
    """The Cancel button of a job."""

    job_id: JobId

    def pack(self) -> str:
        """Return the callback data."""
        return f"x:{self.job_id}"


@dataclass(frozen=True, slots=True)
class ChoicePress:
    """The quality button at `index` of a job's menu."""

    job_id: JobId
    index: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"q:{self.job_id}:{self.index}"


Press = CancelPress | ChoicePress


def unpack(data: bytes) -> Press | None:
    """Return the press that data stands for, None for anything this program did not write."""
    match = _PAYLOAD.fullmatch(data)
    if match is None:
        return None
    if match["cancel"] is not None:
        return CancelPress(JobId(match["cancel"].decode()))
    return ChoicePress(JobId(match["choose"].decode()), int(match["index"]))
