"""What is noted of an upload, so that it goes on after a restart."""

import os

import pytest

from userbot.errors import DeliveryError, InfrastructureError
from userbot.telegram.kept import Keeper
from userbot.telegram.uploader import UploadState


class Notes(list[str]):
    """Where notes go."""

    async def take(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "video.mp4"
    with path.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    return path


def identity_of(path):
    return path.stat().st_size, path.stat().st_mtime_ns


async def going(path, take, *indexes):
    """The keeper of an upload under way."""
    keeper = await Keeper.of(path, take, None)
    keeper.state.claim(identity_of(path))
    keeper.state.done.update(indexes)
    return keeper


async def test_a_note_is_read_by_the_next_run_and_is_short(path):
    notes = Notes()
    keeper = await going(path, notes.take, *range(0, 4000, 2))
    await keeper.write()
    await keeper.write()
    (text,) = notes
    assert len(text) < 2000
    again = await Keeper.of(path, notes.take, text)
    assert again.state.done == keeper.state.done
    assert again.state.file_id == keeper.state.file_id


async def test_a_file_that_changed_begins_anew(path):
    notes = Notes()
    keeper = await going(path, notes.take, 1)
    await keeper.write()
    os.utime(path, (1, 1))
    again = await Keeper.of(path, notes.take, notes[0])
    assert not again.state.done


@pytest.mark.parametrize("noted", ["", "{}", "[1, 2]", '[1, 2, "x"]', "null"])
async def test_a_note_that_cannot_be_read_is_none(path, noted):
    assert not (await Keeper.of(path, Notes().take, noted)).state.done


async def test_nothing_is_noted_before_telegram_has_a_part(path):
    notes = Notes()
    await (await going(path, notes.take)).write()
    assert not notes


async def test_what_went_while_the_file_grew_is_noted_when_it_is_known_to_be_of_this_file(path):
    notes, state = Notes(), UploadState()
    state.claim(None)
    state.done.add(3)
    keeper = await Keeper.going_on(path, notes.take, state)
    await keeper.write()
    assert not notes
    state.identity = identity_of(path)
    await keeper.write()
    assert (await Keeper.of(path, notes.take, notes[0])).state.done == {3}


async def test_a_store_that_fails_does_not_hurt_the_upload(path):
    async def fail(_text: str) -> None:
        raise InfrastructureError

    await (await going(path, fail, 0)).write()


async def test_a_file_that_is_gone_is_a_failed_delivery(tmp_path):
    with pytest.raises(DeliveryError):
        await Keeper.of(tmp_path / "gone", Notes().take, None)
