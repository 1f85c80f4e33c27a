"""MTProto's service messages: what arrives in a session and is no call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.telegram_dc import rpc, tl
from tests.telegram_dc.session import Session

if TYPE_CHECKING:
    from tests.telegram_dc.server import Server

Service = Callable[["Server", Session, int, Any], Any]


def _ping(_server: "Server", _session: Session, message_id: int, request: Any) -> Any:
    return tl.types.Pong(msg_id=message_id, ping_id=request.ping_id)


def _acknowledged(_server: "Server", session: Session, _message_id: int, request: Any) -> None:
    session.acknowledged(request.msg_ids)


def _future_salts(server: "Server", session: Session, message_id: int, _request: Any) -> Any:
    return rpc.future_salts(session.auth, message_id)


def _destroy(server: "Server", session: Session, _message_id: int, request: Any) -> Any:
    return server.sessions.destroy(session, request.session_id)


def _states(_server: "Server", _session: Session, message_id: int, request: Any) -> Any:
    received = b"\x04" * len(request.msg_ids)
    return tl.types.MsgsStateInfo(req_msg_id=message_id, info=received)


def _drop_answer(_server: "Server", _session: Session, message_id: int, _request: Any) -> Any:
    return tl.rpc_result(message_id, tl.types.RpcAnswerUnknown())


def _nothing(_server: "Server", _session: Session, _message_id: int, _request: Any) -> None:
    return None


SERVICE: dict[type, Service] = {
    tl.functions.Ping: _ping,
    tl.functions.PingDelayDisconnect: _ping,
    tl.types.MsgsAck: _acknowledged,
    tl.functions.GetFutureSalts: _future_salts,
    tl.functions.DestroySession: _destroy,
    tl.types.MsgsStateReq: _states,
    tl.functions.RpcDropAnswer: _drop_answer,
    tl.types.HttpWait: _nothing,
    tl.types.MsgResendReq: _nothing,
    tl.types.MsgsAllInfo: _nothing,
    tl.types.MsgsStateInfo: _nothing,
}
