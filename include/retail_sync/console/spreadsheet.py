"""Lines as CSV (RFC 4180) that a spreadsheet reads as text and never as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import Response, StreamingResponse

from retail_sync.console.rendering import HEADERS

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


def csv_of(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """The file in portions, from lines that may be read as it goes; no cell is a formula."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    page.write(MARK)
    writer.writerow(head)
    for number, line in enumerate(lines, start=1):
        writer.writerow([harmless(cell) for cell in line])
        if number % LINES == 0:
            yield page.getvalue()
            page.seek(0)
            page.truncate()
    yield page.getvalue()


def download(name: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> Response:
    """The file as a browser saves it."""
    return StreamingResponse(
        csv_of(head, lines),
        media_type="text/csv",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def harmless(cell: str) -> str:
    """A cell in which no spreadsheet finds a formula: what could begin one gets an apostrophe in front. Numbers stay;
    what is too long for a cell ends with how much was left out."""
    if len(cell) > LONGEST_CELL:
        cell = f"{cell[:LONGEST_CELL]}… ({len(cell) - LONGEST_CELL} more characters)"
    return cell if _NUMBER.fullmatch(cell) else _FORMULA.sub(r"\1'", cell)
