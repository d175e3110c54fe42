"""A plan as CSV (RFC 4180), a line a field, that a spreadsheet reads as text and never as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from retail_sync.console.plans import fields_of, reason_of
from retail_sync.ledger.rows import ChangeRow

HEAD = (
    "run", "system", "action", "kind", "record", "subject", "field", "before", "after", "reason", "outcome",
    "error", "what to do", "target id", "unit", "change id", "planned at",
)  # fmt: skip
MARK = "\ufeff"
"""Tells spreadsheets that the text is UTF-8."""
LINES = 500
"""Lines sent at once."""
LONGEST_CELL = 32_000
"""Letters; Excel takes 32,767 and spills the rest into cells of their own."""
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])|^(?=[\t\r\n])")
"""Where a cell could begin: a spreadsheet that separates by semicolons or tabs, or takes every line break for the end
of a row, begins new ones within what we wrote as one. Some take wide signs for signs."""
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def csv_of(changes: Iterable[ChangeRow]) -> Iterator[str]:
    """The file in portions, from changes that may be read as it goes."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    page.write(MARK)
    writer.writerow(HEAD)
    for number, line in enumerate(lines_of(changes), start=1):
        writer.writerow([harmless(cell) for cell in line])
        if number % LINES == 0:
            yield page.getvalue()
            page.seek(0)
            page.truncate()
    yield page.getvalue()


def lines_of(changes: Iterable[ChangeRow]) -> Iterator[tuple[str, ...]]:
    """A line a field, one for a change without fields. Values are as the page shows them; long ones in full."""
    for change in changes:
        general = reason_of(change)
        ends = (
            change.outcome,
            change.error or "",
            change.remedy or "",
            change.target_id or "",
            change.unit,
            change.id,
            change.planned_at.isoformat() if change.planned_at else "",
        )
        starts = (
            change.run_id,
            change.system,
            change.action,
            change.kind,
            change.label or "",
            change.subject,
        )
        shown = [
            (one.name, one.before_in_full or "", one.after_in_full or "", one.reason or general)
            for one in fields_of(change)
        ]
        for name, before, after, reason in shown or [("", "", "", general)]:
            yield (*starts, name, before, after, reason, *ends)


def harmless(cell: str) -> str:
    """A cell in which no spreadsheet finds a formula: what could begin one gets an apostrophe in front. Numbers stay;
    what is too long for a cell ends with how much was left out."""
    if len(cell) > LONGEST_CELL:
        cell = f"{cell[:LONGEST_CELL]}… ({len(cell) - LONGEST_CELL} more characters)"
    return cell if _NUMBER.fullmatch(cell) else _FORMULA.sub(r"\1'", cell)
