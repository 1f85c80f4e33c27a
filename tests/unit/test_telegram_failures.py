"""What Telegram's refusals mean to a job."""

import pytest
from pyrogram import raw
from pyrogram.errors import RPCError

from userbot import errors
from userbot.telegram.failures import code_of, failure, is_slow_mode, wait_s


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Pyrogram notes errors it does not know in the working directory."""
    monkeypatch.chdir(tmp_path)


def refused(code: int, text: str) -> RPCError:
    """The error that Pyrogram makes of Telegram's words."""
    answer = raw.types.RpcError(error_code=code, error_message=text)
    with pytest.raises(RPCError) as caught:
        RPCError.raise_it(answer, raw.functions.messages.SendMedia)
    return caught.value


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (403, "USER_IS_BLOCKED", errors.ChatGoneError),
        (400, "INPUT_USER_DEACTIVATED", errors.ChatGoneError),
        (400, "PEER_ID_INVALID", errors.ChatGoneError),
        (406, "CHANNEL_PRIVATE", errors.ChatGoneError),
        (403, "CHAT_WRITE_FORBIDDEN", errors.NoRightError),
        (400, "CHAT_RESTRICTED", errors.NoRightError),
        (403, "CHAT_SEND_VIDEOS_FORBIDDEN", errors.NoRightError),
        (403, "ALLOW_PAYMENT_REQUIRED_10", errors.NoRightError),
        (406, "TOPIC_CLOSED", errors.TopicClosedError),
        (406, "TOPIC_DELETED", errors.TopicClosedError),
        (400, "FILE_PART_17_MISSING", errors.FileRefusedError),
        (400, "FILE_PARTS_INVALID", errors.FileRefusedError),
        (400, "MEDIA_INVALID", errors.FileRefusedError),
        (400, "BRAND_NEW_WORD", errors.DeliveryError),
        (401, "USER_DEACTIVATED", errors.DeliveryError),  # that is our own account
    ],
)
def test_each_refusal_has_its_class(code, text, kind):
    error = failure(code_of(refused(code, text)))
    assert type(error) is kind
    assert error.code.split("_")[0] == text.split("_")[0]


@pytest.mark.parametrize(
    ("text", "may_write"),
    [
        ("CHAT_WRITE_FORBIDDEN", False),
        ("CHAT_SEND_PLAIN_FORBIDDEN", False),
        ("CHAT_SEND_MEDIA_FORBIDDEN", True),
        ("CHAT_SEND_AUDIOS_FORBIDDEN", True),
    ],
)
def test_a_missing_right_tells_whether_the_chat_can_be_told(text, may_write):
    error = failure(text)
    assert isinstance(error, errors.NoRightError)
    assert error.may_write is may_write


def test_lost_parts_are_worth_another_upload_and_a_bad_file_is_not():
    for code in ("FILE_PART_3_MISSING", "FILE_PART_INVALID", "FILE_ID_INVALID"):
        error = failure(code)
        assert isinstance(error, errors.FileRefusedError)
        assert error.is_incomplete
    for code in ("MEDIA_INVALID", "FILE_PARTS_INVALID"):
        error = failure(code)
        assert isinstance(error, errors.FileRefusedError)
        assert not error.is_incomplete


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("FLOOD_WAIT_13", 13),
        ("FLOOD_PREMIUM_WAIT_3", 3),
        ("SLOWMODE_WAIT_60", 60),
        ("SOME_NEW_WAIT_9", 9),
        ("FROZEN_METHOD_INVALID", None),
    ],
)
def test_every_wait_is_a_wait(text, seconds):
    error = refused(420, text)
    assert wait_s(error) == seconds
    assert is_slow_mode(error) is text.startswith("SLOWMODE")
