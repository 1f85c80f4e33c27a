"""What an rpc_error on a part means for it; https://core.telegram.org/api/errors."""

import re
from dataclasses import dataclass
from enum import Enum, auto

_RETRIES = 240  # at least a minute
_FIRST_DELAY_S = 0.05
_MAX_DELAY_S = 0.25  # of one part; others go on
_MAX_CROWD_DELAY_S = 2.0  # of many: Telegram has trouble with all of them
_NUMBER = re.compile(r"_(\d+)$")
_INIT = frozenset({"CONNECTION_NOT_INITED", "CONNECTION_LAYER_INVALID"})
_PASSING = frozenset({"MSG_WAIT_FAILED", "MSG_WAIT_TIMEOUT", "TIMEOUT", "RPC_CALL_FAIL"})


class Then(Enum):
    """What to do."""

    RETRY = auto()  # this part, after delay_s
    WAIT = auto()  # with all parts, for delay_s: Telegram limits the account
    INIT = auto()  # this part, on a connection that is introduced anew
    MIGRATE = auto()  # the files belong to data centre dc_id
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a part that was refused."""

    then: Then
    delay_s: float = 0.0
    dc_id: int = 0


def verdict(code: int, text: str, tries: int, *, is_crowd: bool = False) -> Verdict:
    """Judge an error; tries: how often this part was refused before; is_crowd: others wait too."""
    number = int(found[1]) if (found := _NUMBER.search(text)) else 0
    if code == 420 or "FLOOD" in text:
        return Verdict(Then.WAIT, delay_s=max(1, number))
    if code == 303 or "_MIGRATE_" in text:
        return Verdict(Then.MIGRATE, dc_id=number)
    if tries < _RETRIES and text in _INIT:
        return Verdict(Then.INIT)
    if tries < _RETRIES and (code >= 500 or code < 0 or text in _PASSING):
        most_s = _MAX_CROWD_DELAY_S if is_crowd else _MAX_DELAY_S
        return Verdict(Then.RETRY, delay_s=min(most_s, _FIRST_DELAY_S * 2 ** min(tries, 8)))
    return Verdict(Then.GIVE_UP)
