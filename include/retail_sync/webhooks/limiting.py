"""How much is taken, and how much is refused before it is refused in fewer words. In memory, for this process alone.

Who is refused is counted by address, in a cache of fixed size whose entries expire: however many addresses come, it
grows no further. A forger may share an address with a genuine sender: behind one NAT, or all of them behind one proxy.
So what authenticates by headers alone is looked at however often its address was refused, and an address that was
genuine lately has its bodies read as well.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from cachetools import TTLCache
from starlette.requests import Request

MINUTE = 60.0
MOST_ADDRESSES = 10_000
GENUINE_SECONDS = 24 * 3600.0
"""How long an address is believed to be one that genuine senders use: nights without events are shorter."""
UNKNOWN = "unknown"


class Refusals:
    """Refused requests of each address in a minute, which begins with the first of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts: TTLCache[str, list[int]] = TTLCache(MOST_ADDRESSES, MINUTE, timer=clock)
        self._genuine: TTLCache[str, bool] = TTLCache(MOST_ADDRESSES, GENUINE_SECONDS, timer=clock)

    def believe(self, host: str | None) -> None:
        """Something genuine came from this address."""
        self._genuine[origin_of(host)] = True

    def are_too_many(self, host: str | None, most: int) -> bool:
        """Whether an address nothing genuine came from has had `most` requests refused."""
        origin = origin_of(host)
        return origin not in self._genuine and self._counts.get(origin, [0])[0] >= most

    def is_one_too_many(self, host: str | None, most: int) -> bool:
        """Count a refused request, and say whether its address has had more than `most` of them."""
        origin = origin_of(host)
        count = self._counts.get(origin)
        if count is None:
            # The list stays the same one: putting a number there anew would put off its expiry, too.
            count = self._counts[origin] = [0]
        count[0] += 1
        return count[0] > most

    def __len__(self) -> int:
        return len(self._counts)


def host_of(request: Request) -> str | None:
    """Who the server says is asking: behind a proxy, whom that names, if the server believes it (`--proxy-headers`)."""
    return request.client.host if request.client else None


def origin_of(host: str | None) -> str:
    """Who an address belongs to: an IPv6 network is one customer's, all 2^64 addresses of it."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


class Taken:
    """Events that were taken in the last minute, by the second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds: TTLCache[int, int] = TTLCache(2 * MINUTE, MINUTE, timer=clock)
        self._clock = clock

    def has_room(self, most: int) -> bool:
        """Whether another batch, of any size, may be taken: one that is longer than `most` alone must be, too."""
        return sum(self._seconds.get(second, 0) for second in list(self._seconds)) < most

    def add(self, events: int) -> None:
        second = int(self._clock())
        self._seconds[second] = self._seconds.get(second, 0) + events
