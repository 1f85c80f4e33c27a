"""What is noted of an upload, so that it goes on after a restart."""

import os

import pytest

from userbot.errors import DeliveryError, InfrastructureError
from userbot.telegram.kept import MIN_BYTES, Keeper


class Notes(list[str]):
    """Where notes go."""

    async def take(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "video.mp4"
    with path.open("wb") as file:
        file.truncate(MIN_BYTES)
    return path


async def test_a_note_is_read_by_the_next_run_and_is_short(path):
    notes = Notes()
    keeper = await Keeper.of(path, notes.take, None)
    keeper.state.done.update(range(0, 4000, 2))
    await keeper.write()
    await keeper.write()
    (text,) = notes
    assert len(text) < 2000
    again = await Keeper.of(path, notes.take, text)
    assert again.state.done == keeper.state.done
    assert again.state.file_id == keeper.state.file_id


async def test_a_file_that_changed_begins_anew(path):
    notes = Notes()
    keeper = await Keeper.of(path, notes.take, None)
    keeper.state.done.add(1)
    await keeper.write()
    os.utime(path, (1, 1))
    again = await Keeper.of(path, notes.take, notes[0])
    assert not again.state.done


@pytest.mark.parametrize("noted", ["", "{}", "[1, 2]", '[1, 2, "x"]', "null"])
async def test_a_note_that_cannot_be_read_is_none(path, noted):
    assert not (await Keeper.of(path, Notes().take, noted)).state.done


async def test_nothing_is_noted_of_small_files_or_of_none(path, tmp_path):
    notes = Notes()
    small = tmp_path / "small"
    small.write_bytes(b"x")
    keeper = await Keeper.of(small, notes.take, None)
    keeper.state.done.add(0)
    await keeper.write()
    await (await Keeper.of(path, notes.take, None)).write()
    assert not notes


async def test_a_store_that_fails_does_not_hurt_the_upload(path):
    async def fail(_text: str) -> None:
        raise InfrastructureError

    keeper = await Keeper.of(path, fail, None)
    keeper.state.done.add(0)
    await keeper.write()


async def test_a_file_that_is_gone_is_a_failed_delivery(tmp_path):
    with pytest.raises(DeliveryError):
        await Keeper.of(tmp_path / "gone", Notes().take, None)
