"""help, auth, users, contacts, bots: who is who."""

import secrets
import time
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.errors import bad
from tests.telegram_dc.rpc.call import Call, Handler, user_of
from tests.telegram_dc.rpc.rights import reachable_chat

_HOUR_S = 3600


async def _config(call: Call, _query: Any) -> Any:
    now = int(time.time())
    port = call.server.port
    here = {"id": render.DC_ID, "ip_address": "127.0.0.1"}
    options = [tl.types.DcOption(**here, port=port)]
    if media_port := call.server.faults.media_port:
        options += [tl.types.DcOption(**here, port=1, media_only=True, tcpo_only=True)]
        port = media_port
    options += [tl.types.DcOption(**here, port=port, media_only=True)]
    return tl.types.Config(
        date=now,
        expires=now + _HOUR_S,
        test_mode=False,
        this_dc=render.DC_ID,
        dc_options=options,
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=172_800,
        revoke_time_limit=2_147_483_647,
        revoke_pm_time_limit=2_147_483_647,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=604_800,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=4096,
        webfile_dc_id=render.DC_ID,
    )


async def _nearest_dc(_call: Call, _query: Any) -> Any:
    return tl.types.NearestDc(country="XX", this_dc=render.DC_ID, nearest_dc=render.DC_ID)


async def _log_in(call: Call, query: Any) -> Any:
    identity = call.server.identity
    if (query.api_id, query.api_hash) != (identity.api_id, identity.api_hash):
        raise bad("API_ID_INVALID")
    if query.bot_auth_token != identity.bot_token:
        raise bad("ACCESS_TOKEN_INVALID")
    return _authorised(call, identity.bot_id)


def _authorised(call: Call, user_id: int) -> Any:
    call.session.auth.user_id = user_id
    call.server.keys.save()
    return tl.types.auth.Authorization(user=render.user(call.world.bot, is_self=True))


async def _log_out(call: Call, _query: Any) -> Any:
    call.session.auth.user_id = None
    call.server.keys.save()
    call.server.sessions.logged_out(call.session.auth)
    return tl.types.auth.LoggedOut()


async def _export(call: Call, _query: Any) -> Any:
    token = secrets.token_bytes(64)
    user_id = call.session.auth.user_id
    assert user_id is not None
    call.server.exported[user_id] = (token, user_id)
    return tl.types.auth.ExportedAuthorization(id=user_id, bytes=token)


async def _import(call: Call, query: Any) -> Any:
    token, user_id = call.server.exported.pop(query.id, (b"", 0))
    if not token or not secrets.compare_digest(token, query.bytes):
        raise bad("AUTH_BYTES_INVALID")
    return _authorised(call, user_id)


async def _users(call: Call, query: Any) -> Any:
    bot = call.world.bot
    found = [user_of(call, item) for item in query.id]
    return [render.user(user, is_self=user is bot) for user in found]


async def _full_user(call: Call, query: Any) -> Any:
    user = user_of(call, query.id)
    full = tl.types.UserFull(
        id=user.id,
        settings=tl.types.PeerSettings(),
        notify_settings=tl.types.PeerNotifySettings(),
        common_chats_count=0,
        blocked=user.blocked or None,
        bot_info=tl.types.BotInfo(user_id=user.id) if user.is_bot else None,
    )
    users = [render.user(user, is_self=user is call.world.bot)]
    return tl.types.users.UserFull(full_user=full, chats=[], users=users)


async def _resolve_username(call: Call, query: Any) -> Any:
    wanted = query.username.lower().lstrip("@")
    for user in call.world.users.values():
        if (user.username or "").lower() == wanted:
            return tl.types.contacts.ResolvedPeer(
                peer=tl.types.PeerUser(user_id=user.id),
                chats=[],
                users=[render.user(user, is_self=user is call.world.bot)],
            )
    raise bad("USERNAME_NOT_OCCUPIED")


async def _yes(_call: Call, _query: Any) -> bool:
    return True


async def _no_commands(_call: Call, _query: Any) -> list[Any]:
    return []


async def _typing(call: Call, query: Any) -> bool:
    reachable_chat(call, query.peer)
    return True


async def _bot_info(_call: Call, _query: Any) -> Any:
    return tl.types.bots.BotInfo(name="", about="", description="")


HANDLERS: dict[Any, Handler] = {
    tl.functions.help.GetConfig: _config,
    tl.functions.help.GetNearestDc: _nearest_dc,
    tl.functions.auth.ImportBotAuthorization: _log_in,
    tl.functions.auth.LogOut: _log_out,
    tl.functions.auth.ExportAuthorization: _export,
    tl.functions.auth.ImportAuthorization: _import,
    tl.functions.users.GetUsers: _users,
    tl.functions.users.GetFullUser: _full_user,
    tl.functions.contacts.ResolveUsername: _resolve_username,
    tl.functions.bots.SetBotCommands: _yes,
    tl.functions.bots.ResetBotCommands: _yes,
    tl.functions.bots.GetBotCommands: _no_commands,
    tl.functions.bots.SetBotMenuButton: _yes,
    tl.functions.bots.SetBotInfo: _yes,
    tl.functions.bots.GetBotInfo: _bot_info,
    tl.functions.messages.SetTyping: _typing,
    tl.functions.account.UpdateStatus: _yes,
}
