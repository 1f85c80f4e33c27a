"""Who may press which button."""

from userbot.domain.jobs import Job
from userbot.services.access import Access
from userbot.telegram.api import Api
from userbot.telegram.messages import Presser


class Rights:
    """Knows whose a button is. Nothing that a button carries is trusted."""

    def __init__(self, api: Api, access: Access) -> None:
        self._api = api
        self._access = access

    async def may_act(self, presser: Presser, job: Job) -> bool:
        """Allow whoever sent the link, where it was sent.

        A link that was sent in the name of a group or channel belongs to all admins: Telegram does
        not say to whom.
        """
        request = job.request
        if not self._is_where_it_was_sent(presser, job):
            return False
        if presser.user_id == request.user_id:
            return True
        return request.user_id < 0 and await self._is_admin(presser)

    async def may_cancel(self, presser: Presser, job: Job) -> bool:
        """Allow whoever sent the link and the owner anywhere, a group's admins there."""
        request = job.request
        if presser.user_id == request.user_id or self._access.is_owner(presser.user_id):
            return True
        return self._is_where_it_was_sent(presser, job) and await self._is_admin(presser)

    async def may_read(self, presser: Presser, asker_id: int) -> bool:
        """Allow a list to whoever asked for it, and to the admins of the group it is in."""
        return presser.user_id == asker_id or await self._is_admin(presser)

    def is_banned(self, presser: Presser) -> bool:
        """Say whether no button at all works for somebody, not even their own."""
        return self._access.is_banned(presser.user_id)

    def may_ask(self, job: Job) -> bool:
        """Say whether new work would be done for a link today."""
        return self._access.allows(job.request)

    def _is_where_it_was_sent(self, presser: Presser, job: Job) -> bool:
        """Compare chats; a group that has become a supergroup since is the same.

        Its members still see what was written before, and may press the buttons there.
        """
        now = self._api.moves.now
        return now(presser.chat_id) == now(job.request.chat_id)

    async def _is_admin(self, presser: Presser) -> bool:
        asides = self._api.asides
        return presser.is_group and await asides.is_admin(presser.chat_id, presser.user_id)
