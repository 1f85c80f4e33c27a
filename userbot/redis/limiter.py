"""Rate limits that everything with the same Redis shares."""

from collections.abc import Sequence

from redis.asyncio import Redis

from userbot.ports.volatile import Charge
from userbot.redis.keys import Keys

# The times of what was done lately, one list per key, by the clock of the server. Every `limit`
# holds in *any* window: a bucket that refills (GCRA) would need one number per key, but lets twice
# the limit through at first. Looks at all the keys, then charges all or none. What is no list of
# times - somebody else wrote there - counts for nothing.
# ARGV: limit, window and cost of each key; microseconds. Returns for how long to wait, or 0.
CHARGE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
for i, key in ipairs(KEYS) do
    local limit, window, cost = unpack(ARGV, 3 * i - 2, 3 * i)
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'list' and kind ~= 'none' then
        redis.call('DEL', key)
    end
    local first = redis.call('LINDEX', key, 0)
    while first and not ((tonumber(first) or 0) > now - window and tonumber(first) <= now) do
        redis.call('LPOP', key)
        first = redis.call('LINDEX', key, 0)
    end
    local over = redis.call('LLEN', key) + cost - limit
    if over > 0 then
        local ends = (tonumber(redis.call('LINDEX', key, over - 1)) or now) + window
        wait = math.max(wait, math.min(ends - now, window))
    end
end
if wait > 0 then
    return wait
end
for i, key in ipairs(KEYS) do
    for _ = 1, ARGV[3 * i] do
        redis.call('RPUSH', key, string.format('%.0f', now))
    end
    redis.call('PEXPIRE', key, math.ceil(ARGV[3 * i - 1] / 1000))
end
return 0
"""


class RedisLimiter:
    """`RateLimiter` in Redis, all levels in one round trip. Raises `client.FAILURES`."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._keys = keys
        self._script = client.register_script(CHARGE)

    async def charge(self, charges: Sequence[Charge]) -> float:
        """See `ports.volatile.RateLimiter`."""
        if not charges:
            return 0.0
        numbers = [number for charge in charges for number in _numbers(charge)]
        wait_us = await self._script([self._keys.rate(charge.key) for charge in charges], numbers)
        return int(wait_us) / 1e6


def _numbers(charge: Charge) -> tuple[int, int, int]:
    return charge.limit, round(charge.window_s * 1e6), min(charge.cost, charge.limit)
