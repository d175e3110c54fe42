"""Counts over time as the numbers of a picture. Pure.

The picture is SVG with classes only, because the policy of the pages allows no inline style and both themes colour it.
Chart libraries write their colours into the picture, so this stays small and of our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# As wide as a phone: what is written in the picture is never made smaller than it is.
WIDTH, HEIGHT = 360, 160
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 22
MOST_SERIES = 6


@dataclass(frozen=True)
class Bar:
    """One series' share of one step, stacked. Numbers are those of the picture; `title` is told on pointing."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True)
class Plot:
    """`ticks`: height in the picture and text, of the scale on the left; `times`: the same, below. `rows`: the figures
    for who reads rather than looks, a step a row."""

    title: str
    names: Sequence[str]
    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    times: Sequence[tuple[float, str]]
    rows: Sequence[tuple[str, Sequence[int]]]
    total: int

    @property
    def told(self) -> str:
        """The picture in a sentence."""
        if not self.rows:
            return "Nothing in this time."
        at, most = max(self.rows, key=lambda row: sum(row[1]))
        return f"{self.total} in all; most at {at} UTC: {sum(most)}."


def plot(
    title: str, points: Mapping[datetime, Mapping[str, int]], since: datetime, step: timedelta, steps: int
) -> Plot:
    """Stacked bars of `steps` steps that begin at `since` (UTC). A step without a point has no bar."""
    names = sorted({name for values in points.values() for name in values})[:MOST_SERIES]
    starts = [since + step * place for place in range(steps)]
    totals = [sum(points.get(at, {}).get(name, 0) for name in names) for at in starts]
    top = nice(max(totals, default=0))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    bars: list[Bar] = []
    for place, at in enumerate(starts):
        base = 0
        for series, name in enumerate(names):
            count = points.get(at, {}).get(name, 0)
            if count:
                height = high * count / top
                y = TOP + high - high * (base + count) / top
                x = LEFT + wide * (place + 0.1) / steps
                told = f"{_told(at, step)}: {count} {name}"
                bars.append(
                    Bar(
                        round(x, 1),
                        round(y, 1),
                        round(wide * 0.8 / steps, 1),
                        round(height, 1),
                        series + 1,
                        told,
                    )
                )
                base += count
    ticks = [
        (round(TOP + high - high * share, 1), f"{int(top * share):,}".replace(",", "\u202f"))
        for share in (0, 0.5, 1)
    ]
    every = -(-steps // 5)
    times = [
        (round(LEFT + wide * (place + 0.5) / steps, 1), _told(at, step))
        for place, at in enumerate(starts)
        if place % every == 0
    ]
    rows = [
        (_told(at, step), [points.get(at, {}).get(name, 0) for name in names])
        for at in starts
        if points.get(at)
    ]
    return Plot(title, names, bars, ticks, times, rows, sum(totals))


def nice(most: int) -> int:
    """The top of a scale: 2, 4, 10, 20, 40, 100 ... at least `most`."""
    size = 1
    while True:
        for factor in (2, 4, 10):
            if factor * size >= most:
                return factor * size
        size *= 10


def _told(at: datetime, step: timedelta) -> str:
    return f"{at:%H:%M}" if step < timedelta(days=1) else f"{at:%b %d}"
