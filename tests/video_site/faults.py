"""How a link misbehaves, read from its query. What each parameter does: the package's docstring."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.video_site.wire import BadRequestError, Request, Response, refusal

FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Faults:
    """The misbehaviour asked for by one link; without parameters it behaves well.

    `times` bounds how often a refusal, a cut or a stall happens (None: always).
    """

    rate_bytes_per_s: int | None = None
    delay_s: float = 0.0
    hang: str | None = None
    stall_after: int | None = None
    hold: str = FOREVER
    drip_after: int | None = None
    cut_after: int | None = None
    times: int | None = None
    status: int | None = None
    retry_after_s: int | None = None
    length_off: int = 0
    has_no_length: bool = False
    has_no_ranges: bool = False
    content_type: str | None = None
    expires_after: int | None = None
    referer: str | None = None
    filename: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Faults":
        """Read the parameters known here and ignore others. Raises `BadRequestError`."""
        try:
            faults = cls(
                rate_bytes_per_s=_integer(query, "rate"),
                delay_s=float(query.get("delay", 0)),
                hang=query.get("hang"),
                stall_after=_integer(query, "stall_after"),
                hold=query.get("hold", FOREVER),
                drip_after=_integer(query, "drip_after"),
                cut_after=_integer(query, "cut_after"),
                times=_integer(query, "times"),
                status=_integer(query, "status"),
                retry_after_s=_integer(query, "retry_after"),
                length_off=_integer(query, "length_off") or 0,
                has_no_length="no_length" in query,
                has_no_ranges="no_ranges" in query,
                content_type=query.get("type"),
                expires_after=_integer(query, "expires_after"),
                referer=query.get("referer"),
                filename=query.get("filename"),
            )
        except ValueError as error:
            raise BadRequestError(str(error)) from error
        if faults.rate_bytes_per_s is not None and faults.rate_bytes_per_s <= 0:
            raise BadRequestError("rate: bytes per second, more than 0")
        return faults

    def disguise(self, response: Response) -> Response:
        """Return `response` with the headers that the link asks for."""
        if response.status != 200:
            return response
        headers = dict(response.headers)
        if self.has_no_ranges:
            headers.pop("Accept-Ranges", None)
            headers.pop("ETag", None)
        if self.filename is not None:
            headers["Content-Disposition"] = f'attachment; filename="{_one_line(self.filename)}"'
        content_type = response.content_type
        if self.content_type is not None:
            content_type = None if self.content_type == "none" else _one_line(self.content_type)
        return replace(response, headers=headers, content_type=content_type)


def _integer(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    return None if value is None else int(value)


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


@dataclass(slots=True)
class Ledger:
    """How often each link has misbehaved or been served, so that it can stop or begin to."""

    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def refuse(self, request: Request, faults: Faults) -> Response | None:
        """Return the refusal due to this request, if any, and count it.

        HEAD is answered like the GET to come and counts for nothing.
        """
        counts = request.method != "HEAD"
        if faults.status is not None and self._is_due("status", request, faults, counts=counts):
            wait_s = faults.retry_after_s
            return refusal(faults.status, {} if wait_s is None else {"Retry-After": str(wait_s)})
        if faults.referer is not None and faults.referer not in request.headers.get("referer", ""):
            return refusal(403)
        if faults.expires_after is not None:
            served = self._counts["served", request.target]
            if served >= faults.expires_after:
                return refusal(403)
            self._counts["served", request.target] += counts
        return None

    def _is_due(self, kind: str, request: Request, faults: Faults, *, counts: bool) -> bool:
        done = self._counts[kind, request.target]
        if faults.times is not None and done >= faults.times:
            return False
        self._counts[kind, request.target] += counts
        return True

    def remaining(self, request: Request, faults: Faults) -> Faults:
        """Return `faults` without the stalls and cuts that have come often enough."""
        if faults.times is None:
            return faults
        left = faults
        if self._counts["stall", request.target] >= faults.times:
            left = replace(left, stall_after=None)
        if self._counts["cut", request.target] >= faults.times:
            left = replace(left, cut_after=None)
        return left

    def happened(self, kind: str, request: Request) -> None:
        """Count one more time that `kind` of trouble came to a client."""
        self._counts[kind, request.target] += 1

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3, ... for each name."""
        self._counts["number", name] += 1
        return self._counts["number", name]

    def clear(self) -> None:
        """Forget everything: every link is as new."""
        self._counts.clear()
