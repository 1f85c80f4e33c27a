"""The main job, on real input: a link in, a native Telegram video out."""

import hashlib
import itertools
import time

import pytest
from pyrogram import raw

from tests.e2e import stage as stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

_numbers = itertools.count(10**8)  # far above the numbers of messages that there are


async def test_a_progressive_link_arrives_byte_for_byte(stage):
    to = await stage.send_link("progressive")
    menu = await stage.pick(to, "MB")
    message = await stage.file(to)
    media = message.media
    original = stage.site.file_of("progressive").read_bytes()
    assert media.sha256 == hashlib.sha256(original).hexdigest()
    assert media.kind == "video"
    assert media.mime_type == "video/mp4"
    assert media.supports_streaming
    assert (media.width, media.height) == (640, 360)
    assert media.duration == pytest.approx(10, abs=0.2)
    assert max(media.thumb.width, media.thumb.height) <= 320
    gone = await stage.dc.wait_message(
        stage.user, lambda m: m.id == menu.id and m.deleted, timeout_s=5
    )
    assert gone.reply_to == to
    assert await stage.dc.reactions(stage.user, to) == ["👀"]


@pytest.mark.parametrize(
    ("link", "button", "size"),
    [
        ("page", "720p", (1280, 720)),
        ("opengraph", "", None),
        ("hls", "480p", (854, 480)),
        ("hls_fmp4", "240p", (426, 240)),
        ("hls_muxed", "", None),
        ("dash", "720p", (1280, 720)),
        ("moov_at_end", "", None),
        ("vertical", "", None),
        ("anamorphic", "", None),
    ],
)
async def test_what_arrives_plays_with_sound_and_streams(stage, link, button, size):
    message = await stage.deliver(link, button)
    media, seen = message.media, stages.probe(message.media.path)
    assert media.kind == "video"
    assert media.supports_streaming
    assert stages.is_faststart(media.path)
    assert seen["video"] == "h264"
    assert seen["audio"] == ["aac"]
    assert seen["duration"] == pytest.approx(media.duration, abs=0.3)
    if size is not None:
        assert (media.width, media.height) == size == (seen["width"], seen["height"])


async def test_the_menu_tells_sizes_and_the_caption_title_and_link(stage):
    to = await stage.send_link("hls", n=1)
    menu = await stage.menu(to)
    labels = [button.text for row in menu.buttons for button in row]
    assert labels[-1] == "Cancel"
    assert labels[-2].startswith("🎵 Audio · ")
    assert [label.partition(" · ")[0] for label in labels[:-2]] == ["720p", "480p", "240p"]
    assert all(label.endswith(("MB", "kB")) for label in labels[:-1])
    assert "0:10" in menu.text
    await stage.pick(to, "240p")
    message = await stage.file(to)
    assert stage.site.url_of("hls", n=1) in message.text


async def test_the_menu_shows_the_picture_of_the_page(stage):
    to = await stage.send_link("opengraph", n=2)
    menu = await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and m.media is not None, timeout_s=20
    )
    assert menu.media.kind == "photo"
    assert len(menu.buttons) > 1
    await stage.cancel(to)


async def test_audio_comes_with_title_duration_and_cover(stage):
    message = await stage.deliver("opengraph", "Audio", n=3)
    media = message.media
    assert media.kind == "audio"
    assert media.mime_type in ("audio/mp4", "audio/mpeg")
    assert media.title == "Harbour at dawn"
    assert media.duration == pytest.approx(10, abs=1)
    assert media.thumb is not None
    assert stages.probe(media.path)["audio"]


async def test_a_silent_video_does_not_become_a_gif(stage):
    message = await stage.deliver("silent", "")
    assert message.media.kind == "video"


async def test_upload_and_download_tell_how_far_they_are(stage):
    to = await stage.send_link("medium", rate=4_000_000)
    await stage.dc.faults(bandwidth_bytes_s=150_000)
    try:
        await stage.pick(to, "MB")
        status = await stage.status(to, "Downloading")
        assert status.button("Cancel")
        assert "▰" in (await stage.status(to, "MB/s · ")).text
        assert "left" in (await stage.status(to, " left")).text
        await stage.status(to, "Uploading", timeout_s=20)
        await stage.dc.wait_message(
            stage.user, lambda m: m.reply_to == to and "Uploading" in m.text and "▰" in m.text
        )
        await stage.dc.clear_faults()
        await stage.file(to)
    finally:
        await stage.dc.clear_faults()


async def test_several_links_in_one_message_are_several_jobs(stage):
    urls = [stage.site.url_of("progressive", n=n) for n in (10, 11, 12)]
    to = await stage.say("these: " + " and ".join(urls) + ".")
    menus: set[int] = set()
    while len(menus) < 3:
        menu = await stage.dc.wait_message(
            stage.user,
            lambda m: m.out and m.reply_to == to and len(m.buttons) > 1 and m.id not in menus,
            timeout_s=30,
        )
        menus.add(menu.id)
        await stage.press(menu, menu.buttons[0][0].data)
    files: set[int] = set()
    while len(files) < 3:
        found = await stage.dc.wait_message(
            stage.user,
            lambda m: m.reply_to == to and m.media is not None and m.id not in files,
            timeout_s=30,
        )
        files.add(found.id)


async def test_links_in_captions_behind_words_and_in_forwarded_messages_count(stage):
    url = stage.site.url_of("progressive", n=20)
    in_caption = await stage.say("", media="photo", caption=f"see {url}")
    await stage.menu(in_caption)
    behind_a_word = await stage.say(
        "look here",
        entities=[{"type": "text_link", "offset": 5, "length": 4, "url": url}],
    )
    await stage.menu(behind_a_word)
    forwarded = await stage.say(url, forward_from=stages.BOB)
    await stage.menu(forwarded)
    for to in (in_caption, behind_a_word, forwarded):
        await stage.cancel(to)


# what somebody forwards from elsewhere


async def forward(stage, *posts):
    """Bring messages of the person to the bot as Telegram does; each is what a post has of its own.

    Raw, as the data centre knows neither a person's album nor a person's post with buttons.
    """
    person = raw.types.User(id=stage.user, first_name="Ann", min=True)
    for post in posts:
        message = raw.types.Message(
            id=next(_numbers), peer_id=raw.types.PeerUser(user_id=stage.user), date=_now(), **post
        )
        update = raw.types.UpdateNewMessage(message=message, pts=0, pts_count=0)
        updates = raw.types.Updates(updates=[update], users=[person], chats=[], date=_now(), seq=0)
        await stage.dc.push([updates.write()])


def _now():
    return int(time.time())


async def said_to(stage):
    return [m for m in await stage.dc.messages(stage.user) if m.out and not m.deleted]


async def test_an_album_is_not_told_of_each_picture_that_it_has_no_link(stage):
    link = stage.site.url_of("progressive", n=f"{stage.user}-album")
    await stage.deliver("progressive", "MB", n=f"{stage.user}-before")
    before = {m.id for m in await said_to(stage)}
    pictures = [{"message": "", "grouped_id": 7} for _ in range(4)]
    await forward(stage, {"message": link, "grouped_id": 7}, *pictures)
    await stage.dc.wait_message(
        stage.user, lambda m: m.id not in before and stages.is_menu(m), timeout_s=60
    )
    to = await stage.say("hello")  # this one is told
    await stage.status(to, "no link")
    news = [m for m in await said_to(stage) if m.id not in before]
    assert len([m for m in news if "no link" in m.text]) == 1


async def test_a_link_behind_a_button_of_a_post_is_a_link(stage):
    link = stage.site.url_of("progressive", n=f"{stage.user}-button")
    await stage.say("/start")
    button = raw.types.KeyboardInlineButton(
        text="Watch", type=raw.types.InlineButtonTypeUrl(url=link)
    )
    row = raw.types.KeyboardInlineButtonRow(buttons=[button])
    markup = raw.types.ReplyInlineMarkup(rows=[row])
    await forward(stage, {"message": "Look!", "reply_markup": markup})
    await stage.dc.wait_message(stage.user, stages.is_menu, timeout_s=60)
