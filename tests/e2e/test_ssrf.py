"""A link that leads into the private network is one plain sentence, and nobody there is asked."""

import pytest

from tests.integration.egress_helpers import canary

pytestmark = pytest.mark.asyncio(loop_scope="session")
FORMS = (
    *("127.0.0.2", "127.2", "127.0.2", "2130706434", "0x7f000002", "0x7f.2", "0177.0.0.2"),
    *("017700000002", "00000177.2", "127.0.0.2.", "127.127.127.127", "0", "0.0.0.0", "localhost"),
    *("LOCALHOST.", "sub.localhost", "localhost.localdomain", "\uff11\uff12\uff17.0.0.2"),
    *("\u2460\u2461\u2466.0.0.2", "[::]", "[::1]", "[::127.0.0.2]", "[0:0:0:0:0:0:0:1]"),
    *("[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]", "[fe80::1]"),
)
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


async def test_no_form_of_a_private_address_is_opened(stage):
    """In two messages: one holds 20 links at most."""
    async with canary("0.0.0.0") as bird:
        for forms in (FORMS[::2], FORMS[1::2]):
            to = await stage.say("\n".join(f"http://{form}:{bird.port}/a.mp4" for form in forms))
            answer = await stage.status(to)
            assert answer.text.startswith("I took none of your")
            assert answer.text.endswith(f": {SENTENCE}")
            assert len(answer.text.splitlines()) == 2, "one reason for all"
            assert not answer.buttons
    assert bird.hits == []


async def test_a_legal_link_still_comes(stage):
    file = await stage.deliver("hls")
    assert file.media is not None
