"""Trouble on purpose."""

from tests.telegram_dc.client.remote import Remote


class Trouble(Remote):
    async def faults(self, **values: float) -> None:
        """`latency_ms` (one way), `bandwidth_bytes_s` (per connection), `drop_after_bytes`,
        `refuse_connections`, `media_port`, `upload_connections`,
        `hiccup_code`, `unanswered_parts`, `premium_wait_parts`, `premium_wait_s`."""
        await self._call("faults", **values)

    async def clear_faults(self) -> None:
        """Ends an outage as well."""
        await self._call("clear_faults")

    async def outage(self, seconds: float, *, refused: bool = False) -> None:
        """For so long Telegram is not there; returns at once, an event `outage_over` ends it.

        Every connection, main and for files, is a black hole: nothing is read, nothing answered,
        nothing reset, and what was on its way arrives afterwards. When `refused`, connections are
        reset instead, and new ones as well.
        """
        await self._call("outage", seconds=seconds, refused=refused)

    async def end_outage(self) -> None:
        await self._call("end_outage")

    async def largest_file(self, size_bytes: int | None) -> None:
        """A send of a longer file is refused with 400 FILE_PARTS_INVALID, as one of more than 4000
        parts is; None: only those."""
        await self._call("largest_file", size_bytes=size_bytes)

    async def fail_calls(self, method: str, code: int, text: str, *, times: int = 1) -> None:
        """The next calls of a method ("messages.sendMedia") are answered with an error.

        The text BAD_MSG_NOTIFICATION: with that instead, its code being `code`.
        """
        await self._call("fail_calls", method=method, times=times, code=code, text=text)

    async def swallow_answers(self, method: str, *, times: int = 1) -> None:
        """The next calls of a method are executed, and their answers never sent."""
        await self._call("swallow_answers", method=method, times=times)

    async def drop_connections(self, which: str = "all") -> int:
        """Resets connections: `all`, those that carried `parts`, or the `main` ones; how many."""
        return int(await self._call("drop_connections", which=which))

    async def flood_limits(self, **values: float) -> None:
        """`enabled`, `chat_messages`, `chat_window_s`, `group_messages`, `group_window_s`,
        `total_messages`, `total_window_s`."""
        await self._call("flood_limits", **values)

    async def clear_flood(self) -> None:
        """Forgets what was sent so far."""
        await self._call("clear_flood")

    async def rotate_salts(self) -> None:
        await self._call("rotate_salts")

    async def forget_auth_keys(self) -> None:
        """Ends every login, and drops the connections."""
        await self._call("forget_auth_keys")

    async def forget_random_ids(self) -> None:
        await self._call("forget_random_ids")

    async def expire_file_references(self) -> None:
        await self._call("expire_file_references")

    async def expire_parts(self) -> None:
        await self._call("expire_parts")
