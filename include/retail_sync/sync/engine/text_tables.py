"""Small tables in monospaced lines, as logs and reports of runs show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FIRST_HOLDS = 5


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table in monospaced lines: text to the left, numbers to the right."""
    body = [[_cell(value) for value in row] for row in rows]
    numeric = [all(row[i].replace(",", "").isdigit() for row in body) for i in range(len(head))]
    widths = [max(len(row[i]) for row in [list(head), *body]) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return [line(head), "  ".join("-" * width for width in widths), *(line(row) for row in body)]


def counts(title: str, found: Mapping[str, int]) -> list[str]:
    """`title` and its counts as a table; a line that says so where there is none."""
    return [f"{title}: none"] if not found else table([title, "count"], found.items())


def hold_lines(first_holds: Sequence[Mapping[str, Any]], total: int) -> list[str]:
    """The first few holds, each with its reason."""
    sentences = [f"held: {hold['label']}: {hold['message']} ({hold['code']})" for hold in first_holds]
    lines = list(dict.fromkeys(sentences))[:FIRST_HOLDS]
    shown = sum(sentence in lines for sentence in sentences)
    return [*lines, f"... and {total - shown} more holds"] if total > shown else lines


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def first_changes(head: Sequence[str], shows: Sequence[Sequence[Any]], total: int) -> list[str]:
    """The first changes of a plan as a table, and how many more there are."""
    more = total - len(shows)
    return [
        *(table(head, shows) if shows else []),
        *([f"... and {more} more: table `changes` of the ledger."] if more > 0 else []),
    ]
