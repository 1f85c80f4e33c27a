"""The way through a proxy of the owner's: HTTP (by CONNECT) or SOCKS."""

import socket
from urllib.parse import urlsplit

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError
from python_socks.async_.asyncio import Proxy

from userbot.egress.dial import REACH_S, Upstream
from userbot.egress.refusals import no_site

BY_NAME = {"httph": "http", "socks4a": "socks4", "socks5h": "socks5"}
SCHEMES = (*BY_NAME, *BY_NAME.values())


def through(url: str) -> Upstream:
    """Return what opens connections by the proxy at url. Raises ValueError for a wrong url."""
    scheme, rest = urlsplit(url).scheme, url.partition("://")[2]
    if scheme not in SCHEMES:
        raise ValueError(scheme)
    kind = BY_NAME.get(scheme, scheme)
    proxy = Proxy.from_url(f"{kind}://{rest}", rdns=True)

    async def reach(host: str, port: int) -> socket.socket:
        try:
            connection: socket.socket = await proxy.connect(host, port, timeout=REACH_S)
        except (ProxyError, ProxyConnectionError, ProxyTimeoutError) as error:
            raise no_site("The owner's proxy to this site does not let us through") from error
        connection.setblocking(False)
        return connection

    return Upstream(reach, scheme in BY_NAME, (4,) if kind == "socks4" else (4, 6))
