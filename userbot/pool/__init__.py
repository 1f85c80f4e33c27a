"""The parent side of the process pool; `ProcessPool` is the way in."""

from userbot.pool.pool import ProcessPool
from userbot.pool.settings import PoolSettings

__all__ = ["PoolSettings", "ProcessPool"]
