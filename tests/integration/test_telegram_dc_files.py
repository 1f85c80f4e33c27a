"""What the loopback data centre takes as files, and what arrives of them."""

import hashlib
import os

import pytest
from pyrogram import raw
from pyrogram.errors import (
    BadRequest,
    FilePartMissing,
    MediaCaptionTooLong,
)
from pyrogram.types import (
    InputMediaVideo,
)

from tests.integration.loopback import ANN, BOB, JPEG, save_big, send_document

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_small_video_with_a_thumbnail_arrives_byte_for_byte(dc, client, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(os.urandom(1_300_000))
    (tmp_path / "thumb.jpg").write_bytes(JPEG)
    sent = await client.send_video(
        ANN,
        str(video),
        caption="caption",
        duration=7,
        width=640,
        height=360,
        thumb=str(tmp_path / "thumb.jpg"),
        supports_streaming=True,
        file_name="clip.mp4",
    )
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.path.read_bytes() == video.read_bytes()
    assert (media.kind, media.mime_type, media.file_name) == ("video", "video/mp4", "clip.mp4")
    assert (media.duration, media.width, media.height) == (7, 640, 360)
    assert media.supports_streaming
    assert media.thumb is not None
    assert (media.thumb.width, media.thumb.height) == (320, 180)
    downloaded = await client.download_media(sent, in_memory=True)
    assert downloaded.getvalue() == video.read_bytes()


async def test_a_big_video_is_sent_again_by_its_file_id_without_its_bytes(dc, client, tmp_path):
    video = tmp_path / "big.mp4"
    video.write_bytes(os.urandom(12 * 1024 * 1024 + 777))
    progress: list[int] = []

    def keep(done: int, _total: int) -> None:
        progress.append(done)

    sent = await client.send_video(ANN, str(video), progress=keep)
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert media.path.stat().st_size == media.size == video.stat().st_size
    assert progress[-1] == media.size
    before = await dc.stats()
    assert before.rpc["upload.saveBigFilePart"] >= 25
    again = await client.send_video(BOB, sent.video.file_id, caption="again")
    assert (await dc.stats()).parts == before.parts
    copy = (await dc.message(BOB, again.id)).media
    assert copy is not None
    assert copy.id == media.id
    await dc.expire_file_references()
    with pytest.raises(BadRequest, match="FILE_REFERENCE_EXPIRED"):
        await client.send_video(BOB, sent.video.file_id)


async def test_captions_are_shorter_than_texts(dc, client, tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"v")
    with pytest.raises(MediaCaptionTooLong):
        await client.send_video(ANN, str(video), caption="x" * 1025)


async def test_a_thumbnail_telegram_would_ignore_is_a_violation(dc, client, tmp_path):
    for name, data in (("v.mp4", b"video"), ("t.jpg", b"no jpeg")):
        (tmp_path / name).write_bytes(data)
    sent = await client.send_video(ANN, str(tmp_path / "v.mp4"), thumb=str(tmp_path / "t.jpg"))
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.thumb is None
    assert (await dc.stats()).violations[-1].kind == "thumb_invalid"


async def test_a_missing_part_is_named(dc, client):
    file_id = client.rnd_id()
    for part in (0, 2):
        await save_big(client, file_id, part, 3, bytes(512 * 1024))
    document = raw.types.InputMediaUploadedDocument(
        file=raw.types.InputFileBig(id=file_id, parts=3, name="x"),
        mime_type="video/mp4",
        attributes=[],
    )
    with pytest.raises(FilePartMissing) as missing:
        await send_document(client, document)
    assert missing.value.value == 1
    assert (await dc.stats()).violations[-1].kind == "file_part_1_missing"


@pytest.mark.parametrize("boundary", [True, False])
async def test_a_stream_of_unknown_length(dc, client, boundary):
    file_id = client.rnd_id()
    data = os.urandom(64 * 1024)
    await save_big(client, file_id, 0, -1, data)
    await save_big(client, file_id, 1, 2, b"" if boundary else b"tail")
    file = raw.types.InputFileBig(id=file_id, parts=2, name="s.mp4")
    document = raw.types.InputMediaUploadedDocument(file=file, mime_type="video/mp4", attributes=[])
    await send_document(client, document)
    media = (await dc.messages(ANN))[-1].media
    assert media is not None
    assert media.path.read_bytes() == data + (b"" if boundary else b"tail")


@pytest.mark.parametrize(
    ("part", "total", "size", "error"),
    [
        (0, 3, 1000, "FILE_PART_SIZE_INVALID"),
        (0, 3, 3 * 1024, "FILE_PART_SIZE_INVALID"),
        (3, 3, 1024, "FILE_PART_INVALID"),
        (0, 4001, 1024, "FILE_PARTS_INVALID"),
        (0, 3, 0, "FILE_PART_EMPTY"),
        (0, 3, 512 * 1024 + 4, "FILE_PART_TOO_BIG"),
        (4000, -1, 1024, "FILE_PART_INVALID"),
    ],
)
async def test_rules_for_parts(dc, client, part, total, size, error):
    with pytest.raises(BadRequest, match=error):
        await save_big(client, client.rnd_id(), part, total, bytes(size))
    assert (await dc.stats()).violations[-1].kind == error.lower()


async def test_albums_of_uploaded_media(dc, client, tmp_path):
    paths = [tmp_path / "1.mp4", tmp_path / "2.mp4"]
    for path in paths:
        path.write_bytes(path.name.encode())
    sent = await client.send_media_group(
        ANN, [InputMediaVideo(str(path), caption=path.name) for path in paths]
    )
    messages = [await dc.message(ANN, message.id) for message in sent]
    assert [m.text for m in messages] == ["1.mp4", "2.mp4"]
    assert len({m.album_id for m in messages}) == 1


async def test_a_photo_menu_and_its_replacement_by_a_video(dc, client, tmp_path):
    (tmp_path / "p.jpg").write_bytes(JPEG)
    (tmp_path / "v.mp4").write_bytes(b"video")
    sent = await client.send_photo(ANN, str(tmp_path / "p.jpg"), caption="menu")
    photo = (await dc.message(ANN, sent.id)).media
    assert photo is not None
    assert (photo.kind, photo.width, photo.height) == ("photo", 320, 180)
    await client.edit_message_media(ANN, sent.id, InputMediaVideo(str(tmp_path / "v.mp4")))
    video = (await dc.message(ANN, sent.id)).media
    assert video is not None
    assert video.kind == "video"
