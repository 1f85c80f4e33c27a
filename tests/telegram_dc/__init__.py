"""A Telegram data centre on loopback: real MTProto 2.0 for an unmodified Pyrogram client.

The server is a process of its own (`python -m tests.telegram_dc --dir DIR`); `running()` starts one
and returns the typed control of it. Importing this package loads the standard library only.
"""

from tests.telegram_dc.control import DataCentre, DataCentreError, running
from tests.telegram_dc.wire import Answer, Button, Delivery, Event, Media, Message, Stats, Thumb

__all__ = [
    "Answer",
    "Button",
    "DataCentre",
    "DataCentreError",
    "Delivery",
    "Event",
    "Media",
    "Message",
    "Stats",
    "Thumb",
    "running",
]
