"""Every key that the bot has in Redis, why it is there, and for how long.

All of it may be lost at any moment. Everything has an end of its own, so a bot that is given up
leaves nothing behind. Keys begin with the bot's id: several bots may share a server, and what
Telegram gives one bot is worth nothing to another.
"""

from dataclasses import dataclass

from userbot.domain.jobs import JobId

LIVE_TTL_S = 60  # progress is put every few seconds; what is older belongs to somebody who died


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one bot."""

    bot_id: int

    def rate(self, key: str) -> str:
        """List of the times of what was done lately, by `Charge.key`; ends with its window."""
        return f"userbot:{self.bot_id}:rate:{key}"

    def cached(self, key: str) -> str:
        """Text, by the key of `Cache`; ends when whoever put it has said."""
        return f"userbot:{self.bot_id}:cache:{key}"

    def live(self, job_id: JobId) -> str:
        """JSON of how far a job is; LIVE_TTL_S."""
        return f"userbot:{self.bot_id}:live:{job_id}"

    @property
    def probe(self) -> str:
        """Nothing, to see whether Redis takes it; ends with the second."""
        return f"userbot:{self.bot_id}:probe"

    @property
    def wake(self) -> str:
        """Channel on which processes tell each other that there may be work; holds nothing."""
        return f"userbot:{self.bot_id}:wake"
