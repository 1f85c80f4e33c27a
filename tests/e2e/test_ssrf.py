"""A link that leads into the private network is one plain sentence, and nobody there is asked."""

import pytest

from tests.integration.egress_helpers import canary

pytestmark = pytest.mark.asyncio(loop_scope="session")
SENTENCE = "This link points into a private network. I only open public ones."


@pytest.mark.parametrize("code", [302, 307])
async def test_a_redirect_into_the_private_network_is_one_plain_sentence(stage, code):
    async with canary("127.0.0.2") as bird:
        to = await stage.send_link("redirect", to=f"{bird.url}/film.mp4", code=code, n=code)
        answer = await stage.status(to, SENTENCE)
        assert not answer.buttons
    assert bird.hits == []


async def test_a_private_address_is_refused_before_anybody_is_asked(stage):
    async with canary("127.0.0.2") as bird:
        to = await stage.say(f"http://2130706434:{bird.port}/film.mp4")
        await stage.status(to, SENTENCE)
    assert bird.hits == []


async def test_a_legal_link_still_comes(stage):
    file = await stage.deliver("hls")
    assert file.media is not None
