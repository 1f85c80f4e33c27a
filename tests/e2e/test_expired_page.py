"""A page is known from before, and its addresses have ended meanwhile: nobody notices."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILURES = ("Trying again", "does not let me", "gone", "went wrong", "did not give me")


async def readings(stage, mark):
    """How often pages with this mark were read."""
    entries = await stage.site.requests()
    return sum(
        entry.method == "GET" and mark in entry.target and not entry.path.startswith("/media/")
        for entry in entries
    )


async def refusals(stage, mark, status):
    entries = await stage.site.requests()
    return sum(entry.status == status and mark in entry.target for entry in entries)


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        pytest.param("expiring", {}, 403, id="forbidden"),
        # once when the page is read, for the size, and once at the download
        pytest.param("page", {"media.status": 410, "media.times": 2}, 410, id="gone"),
    ],
)
async def test_addresses_that_ended_are_asked_for_once_more(stage, name, query, status):
    mark = f"n=ended-{status}"
    query = {**query, "n": mark.removeprefix("n=")}
    await stage.menu(await stage.send_link(name, **query))
    known = len(stage.dc.history)
    to = await stage.send_link(name, **query)
    menu = await stage.menu(to)
    assert await readings(stage, mark) == 1, "the second time it is known"
    await stage.press(menu, menu.buttons[0][0].data)
    assert (await stage.file(to)).media.kind == "video"
    await stage.dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted)
    assert await refusals(stage, mark, status) >= 1
    assert await readings(stage, mark) == 2
    assert (await stage.dc.delivered())[stage.user, to] == 1
    said = [event.message.text for event in stage.dc.history[known:] if event.message]
    assert not [text for text in said if any(words in text for words in FAILURES)]
