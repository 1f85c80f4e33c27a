"""What a handler raises to be answered with an rpc_error."""


class RpcError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def bad(text: str) -> RpcError:
    return RpcError(400, text)


def forbidden(text: str) -> RpcError:
    return RpcError(403, text)


class FloodError(RpcError):
    def __init__(self, seconds: int) -> None:
        super().__init__(420, f"FLOOD_WAIT_{seconds}")
        self.seconds = seconds


class ControlError(Exception):
    """A request of the control that makes no sense."""
