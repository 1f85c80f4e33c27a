"""A worker in foreign hands: it runs whatever Python the call brings. Run in worker processes.

The code finds its `call` and leaves a `result`, or an error.
"""

import traceback
from dataclasses import replace

from tests.integration.pool_calls import extraction, video
from userbot.domain.calls import ExtractCall
from userbot.worker import landlock


def run(call, emit):
    code = call.url if isinstance(call, ExtractCall) else call.info_json
    names = {"call": call, "result": None}
    try:
        exec(code, names)
        said = repr(names["result"])
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code
        said = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    if isinstance(call, ExtractCall):
        return replace(extraction(), info_json=said[:3000])
    return video(call.folder)


def warm():
    """Nothing to warm."""


def warm_on_linux_6_11():
    """Have this kernel's Landlock do what that one's did: it knows nothing of signals."""
    landlock.abi = lambda: 5
