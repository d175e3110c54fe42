"""The receiver's log: counts of what happened, each kind at once the first time and then at most once a minute.

A kind is one of a few fixed sentences, so that nothing of what came reaches the log, and a flood does not fill it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


@dataclass
class Tally:
    """Belongs to one event loop."""

    every: float = EVERY_SECONDS
    _open: dict[tuple[int, str], Counter[str]] = field(default_factory=dict)

    def count(self, level: int, kind: str, **numbers: int) -> None:
        """Add `numbers` to those of `kind`, and see that they are logged."""
        key = (level, kind)
        if key in self._open:
            self._open[key].update(numbers)
            return
        self._write(key, Counter(numbers))
        self._open[key] = Counter()
        asyncio.get_running_loop().call_later(self.every, self._close, key)

    def _close(self, key: tuple[int, str]) -> None:
        numbers = self._open.pop(key)
        if numbers:
            self._write(key, numbers)
            self._open[key] = Counter()
            asyncio.get_running_loop().call_later(self.every, self._close, key)

    def _write(self, key: tuple[int, str], numbers: Counter[str]) -> None:
        level, kind = key
        said = ", ".join(f"{count} {name}" for name, count in sorted(numbers.items()) if count)
        log.log(level, "Events, %s: %s.", kind, said or "nothing new")
