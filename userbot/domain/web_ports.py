"""On which ports web servers are, and which belong to what nobody should talk to by a link."""

FIRST_FREE_PORT = 1024
# Where web servers are below that; no browser opens 87.
WEB_PORTS = frozenset({80, 443, *range(81, 91), 444}) - {87}
# Ports above that belong to services which obey whatever text they get: those no browser opens
# (https://fetch.spec.whatwg.org/#port-blocking), then databases, caches and remote control.
SERVICE_PORTS = frozenset(
    (
        *(1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
        *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
        *(1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5984, 6379, 6380),
        *(6443, 9042, 9200, 9300, 10250, 10255, 11211, 26379, 27017, 27018, 27019),
    )
)


def is_web_port(port: int) -> bool:
    """Tell whether a web server may be there."""
    return port in WEB_PORTS or (port >= FIRST_FREE_PORT and port not in SERVICE_PORTS)
