"""A sink of exchanges that tests look into."""

from __future__ import annotations

from retail_sync.transport.faces import Exchange


class MemorySink:
    """Keeps all exchanges in order."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def count(self, method: str | None = None, *, contains: str = "") -> int:
        """How many requests went out, by method and by a part of the address."""
        return sum(
            1
            for exchange in self.exchanges
            if (method is None or exchange.method == method) and contains in exchange.url
        )
