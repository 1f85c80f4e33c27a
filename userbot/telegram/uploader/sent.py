"""A part on a connection."""

from dataclasses import dataclass, field

from userbot.telegram.uploader.upload import Upload


@dataclass(slots=True)
class Sent:
    """One try of one part. in_flight: how many its connection had, with this one."""

    upload: Upload
    index: int
    in_flight: int
    at_s: float
    end_byte: int = 0  # where it ends in all that its connection carried; 0: not yet written
    arrived_at_s: float = 0.0  # at the other side's TCP
    is_overdue: bool = False
    epoch: int = field(init=False)  # before a restart of the upload, or after

    def __post_init__(self) -> None:
        self.epoch = self.upload.epoch

    @property
    def is_current(self) -> bool:
        """Whether the upload goes on, and is still about the same file in the same place."""
        return self.epoch == self.upload.epoch and not self.upload.is_over

    @property
    def is_wanted(self) -> bool:
        """Whether the upload still waits for this part."""
        return self.is_current and self.index not in self.upload.state.done

    def put_back(self) -> None:
        """Have the part sent again, if it is still wanted and not under way once more."""
        if self.is_wanted and not self.is_overdue:
            self.upload.put_back(self.index)
