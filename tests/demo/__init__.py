"""`python run.py --demo`: the real bot in a terminal, with a Telegram and a video site on loopback.

Needs what `requirements.txt` has. Nothing of it reaches the product: the bot is `run.py` in a
process of its own, told by settings where its Telegram is.
"""

import argparse


def main(options: argparse.Namespace) -> int:
    """Show the bot at work; return the exit code.

    `options.link` None: somebody types. Else that link is sent, `options.quality` picks the
    button, and the code is 0 for a file that arrived intact, 1 for none, 2 for wrong usage.
    """
    from tests.demo.program import run  # what the leash, of the same package, has no use for

    return run(options)
