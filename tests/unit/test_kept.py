"""What is noted of an upload, so that it goes on after a restart."""

import json
import os

import pytest

from userbot.domain.media import Growth
from userbot.errors import DeliveryError, InfrastructureError
from userbot.telegram.kept import Keeper
from userbot.telegram.uploader import UploadState
from userbot.telegram.uploader.settings import PART_BYTES
from userbot.telegram.uploader.source import digest_of

MIB = 1024 * 1024


class Notes(list[str]):
    """Where notes go."""

    async def take(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "video.mp4"
    with path.open("wb") as file:
        file.truncate(32 * MIB)
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


@pytest.mark.parametrize(
    "noted",
    ["", "{}", "[1, 2]", '[1, 2, "x"]', "null", json.dumps(["grows", 5, UploadState(7).dump()])],
)
async def test_a_note_that_cannot_be_read_is_none(path, noted):
    assert not (await Keeper.of(path, Notes().take, noted)).state.done


async def test_nothing_is_noted_before_telegram_has_a_part(path):
    notes = Notes()
    await (await going(path, notes.take)).write()
    assert not notes


def grown(path, take, *indexes, growth=None, noted=None):
    """The keeper of a file of which some parts went while it grew."""
    keeper = Keeper.growing(growth or Growth(path, 0, path.stat().st_size), take, noted)
    keeper.state.is_stream = False
    keeper.state.done.update(indexes)
    zeroes = digest_of(memoryview(bytes(PART_BYTES)))
    keeper.state.digests.update(dict.fromkeys([*indexes, 7], zeroes))  # the last is under way
    return keeper


async def test_what_went_while_the_file_grew_is_noted_as_the_files_when_it_was_compared(path):
    notes = Notes()
    keeper = grown(path, notes.take, 3)
    await keeper.finished(path)
    await keeper.write()
    assert not notes
    keeper.state.identity = identity_of(path)
    await keeper.write()
    assert (await Keeper.of(path, notes.take, notes[0])).state.done == {3}


async def test_a_file_that_goes_on_growing_is_uploaded_from_where_it_was(path):
    notes = Notes()
    keeper = grown(path, notes.take, 1, 2)
    await keeper.write()
    again = grown(path, notes.take, noted=notes[0])
    assert again.state.file_id == keeper.state.file_id
    assert again.state.done == {1, 2}
    again.state.claim(None)
    assert again.state.done == {1, 2}


@pytest.mark.parametrize("size, head", [(None, 0), (32 * MIB, 9), (32 * MIB - 1, 0)])
async def test_a_file_that_grows_in_another_way_begins_anew(path, size, head):
    notes = Notes()
    await grown(path, notes.take, 1, 2).write()
    growth = Growth(path, 0, size, head)
    assert not grown(path, notes.take, growth=growth, noted=notes[0]).state.done


async def test_what_went_while_a_file_grew_counts_for_the_file_that_it_became(path):
    notes = Notes()
    keeper = grown(path, notes.take, *range(60))
    await keeper.write()
    again = await Keeper.of(path, notes.take, notes[0])
    assert again.state.file_id == keeper.state.file_id
    assert again.state.done == set(range(60))
    assert again.state.identity == identity_of(path)
    assert not again.state.digests


@pytest.mark.parametrize("change", ["bytes", "size", "gone"])
async def test_what_went_while_a_file_grew_is_of_no_use_for_another(path, change):
    notes = Notes()
    await grown(path, notes.take, 1, 2).write()
    if change == "bytes":
        with path.open("r+b") as file:
            file.seek(2 * PART_BYTES)
            file.write(b"x")
    elif change == "size":
        os.truncate(path, 32 * MIB - 1)
    else:
        path = path.with_name("link")
        path.symlink_to("video.mp4")
    assert not (await Keeper.of(path, notes.take, notes[0])).state.done


async def test_a_store_that_fails_does_not_hurt_the_upload(path):
    async def fail(_text: str) -> None:
        raise InfrastructureError

    await (await going(path, fail, 0)).write()


async def test_a_file_that_is_gone_is_a_failed_delivery(tmp_path):
    with pytest.raises(DeliveryError):
        await Keeper.of(tmp_path / "gone", Notes().take, None)
