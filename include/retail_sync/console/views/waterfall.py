"""A figure as a picture: each step of the rules as a bar that begins where the one before it ended.

Rows are told once and used twice: drawn, and as a table for those who can't see the drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from retail_sync.records.types import decimal_text
from retail_sync.sync.inventory.explanation import AtPlace, Explanation

Kind = Literal["level", "less", "more", "sum", "result", "unknown"]
STACKS = ("sum", "share")
"""Ways of aggregating in which one location begins where the other ended."""
WIDTH, ROW = 380, 24
"""Of the drawing and of one row in it; the drawing's own units."""
LEFT, RIGHT = 150, 326
"""Between these the bars are; labels stand before, values behind."""
LONGEST = 24
"""Letters of a label that have room."""


@dataclass(frozen=True)
class Row:
    """A step. `change`: what it does, as text; `start` and `end`: what there was before and after it, in units."""

    label: str
    change: str
    start: Decimal
    end: Decimal
    kind: Kind

    @property
    def leaves(self) -> str:
        return "?" if self.kind == "unknown" else decimal_text(self.end)

    @property
    def short(self) -> str:
        return self.label if len(self.label) <= LONGEST else f"{self.label[: LONGEST - 1]}…"


@dataclass(frozen=True)
class Bar:
    """A row as it is drawn; the drawing's units. `line`: where its texts stand."""

    row: Row
    x: float
    y: int
    width: float
    line: int


@dataclass(frozen=True)
class Picture:
    """`zero`: x of nothing. `describes`: the drawing in words."""

    bars: Sequence[Bar]
    zero: float
    width: int
    height: int
    describes: str


def picture(one: Explanation) -> Picture:
    rows = list(steps(one))
    ends = [Decimal(0), *(row.start for row in rows), *(row.end for row in rows)]
    low, high = min(ends), max(ends)
    scale = (RIGHT - LEFT) / float(high - low or 1)

    def at(value: Decimal) -> float:
        return round(LEFT + float(value - low) * scale, 1)

    bars = [
        Bar(
            row,
            at(min(row.start, row.end)),
            number * ROW + 4,
            max(round(abs(float(row.end - row.start)) * scale, 1), 1.5),
            number * ROW + ROW - 7,
        )
        for number, row in enumerate(rows)
    ]
    told = "; ".join(f"{row.label} {row.change}".strip() for row in rows)
    return Picture(bars, at(Decimal(0)), WIDTH, len(rows) * ROW + 4, told)


def steps(one: Explanation) -> Iterator[Row]:
    """The rows of a figure, its locations first, itself last."""
    aggregate = one.steps[0].step.split()[0] if one.steps else "sum"
    base = Decimal(0)
    for place in one.places:
        rows = list(_at_place(place, base if aggregate in STACKS else Decimal(0)))
        yield from rows
        if aggregate in STACKS:
            base = rows[-1].end
    if one.figure is None:
        yield Row("figure", "not known", Decimal(0), Decimal(0), "unknown")
        return
    left = base
    if one.steps:
        left = Decimal(one.steps[0].left)
        if len(one.places) > 1 or left != Decimal(one.places[0].contributes):
            yield Row(one.steps[0].step, one.steps[0].left, Decimal(0), left, "sum")
    for step in one.steps[1:]:
        end = Decimal(step.left)
        yield _moved(_named(step.step, step.effect), left, end)
        left = end
    yield Row("figure", str(one.figure), Decimal(0), Decimal(one.figure), "result")


def _at_place(place: AtPlace, base: Decimal) -> Iterator[Row]:
    if place.level == "?":
        yield Row(place.location, "unknown", base, base, "unknown")
        return
    left = base + Decimal(place.level)
    yield Row(place.location, place.level, base, left, "level")
    for label, change in (
        ("held by open sales", -Decimal(place.held)),
        ("on the way", Decimal(place.incoming)),
        ("open web orders", -Decimal(place.ordered)),
    ):
        if change:
            yield _moved(label, left, left + change)
            left += change
    for step in place.steps:
        end = base + Decimal(step.left)
        yield _moved(_named(step.step, step.effect), left, end)
        left = end


def _named(step: str, effect: str) -> str:
    """A step with what its rule says, where that is more than the difference it makes."""
    if step == "short":
        return "below zero shows as 0"
    return f"{step}: {effect}" if effect and not effect.startswith("-") else step


def _moved(label: str, start: Decimal, end: Decimal) -> Row:
    change = end - start
    sign = "+" if change > 0 else "\u2212" if change < 0 else ""
    return Row(label, f"{sign}{decimal_text(abs(change))}", start, end, "more" if change > 0 else "less")
