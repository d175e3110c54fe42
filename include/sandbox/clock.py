"""The time a stand-in believes it is: the real one, or one that tests set and move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC time. Runs with the machine's clock until it is frozen with `set`; `advance` and `skew` move it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._frozen: datetime | None = None
        self._offset = timedelta(0)
        if start is not None:
            self.set(start)

    def now(self) -> datetime:
        """The present moment, UTC, microseconds kept."""
        with self._lock:
            return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def set(self, moment: datetime) -> None:
        """Stops the clock at `moment`, which must carry a time zone."""
        if moment.tzinfo is None:
            raise ValueError(
                f"The clock takes an aware time, got {moment!r}: give it a time zone, for example UTC."
            )
        with self._lock:
            self._frozen = moment.astimezone(UTC)

    def advance(self, seconds: float = 0, **units: float) -> None:
        """Moves the clock forward by seconds and any `timedelta` units (`minutes=5`); back with negative figures."""
        step = timedelta(seconds=seconds, **units)
        with self._lock:
            if self._frozen is not None:
                self._frozen += step
            else:
                self._offset += step

    def run(self) -> None:
        """Lets the clock run with the machine's again, without any offset."""
        with self._lock:
            self._frozen = None
            self._offset = timedelta(0)


def to_millis(moment: datetime) -> str:
    """`2026-11-23T08:00:00.000Z`: UTC with exactly three decimals, so that text order is time order."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
