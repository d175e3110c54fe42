"""How much is taken, and how much is refused before it is refused in fewer words. In memory, for this process alone.

Who is refused is counted by address, in a cache of fixed size whose entries expire: however many addresses come, it
grows no further. Refused requests are still authenticated (that costs as much as counting them does), because a
forger may share an address with a genuine sender: behind one NAT, or all of them behind one proxy.
"""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from collections.abc import Callable

from cachetools import TTLCache

MINUTE = 60.0
MOST_ADDRESSES = 10_000
UNKNOWN = "unknown"


class Refusals:
    """Refused requests of each address in a minute, which begins with the first of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts: TTLCache[str, list[int]] = TTLCache(MOST_ADDRESSES, MINUTE, timer=clock)

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
    """Events that were taken in the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: deque[tuple[int, int]] = deque()
        self._sum = 0

    def has_room(self, most: int) -> bool:
        """Whether another batch, of any size, may be taken: one that is longer than `most` alone must be, too."""
        begin = self._clock() - MINUTE
        while self._seconds and self._seconds[0][0] <= begin:
            self._sum -= self._seconds.popleft()[1]
        return self._sum < most

    def add(self, events: int) -> None:
        second = int(self._clock())
        if self._seconds and self._seconds[-1][0] == second:
            events_before = self._seconds.pop()[1]
            self._sum -= events_before
            events += events_before
        self._seconds.append((second, events))
        self._sum += events
