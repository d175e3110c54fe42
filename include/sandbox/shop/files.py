"""Reading the files of a shop folder: errors name the file, the row and the way out."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.shop.model import Draft, ShopError

# Exports put whole product descriptions into one cell; Python's default limit of 128 KB is low for that.
csv.field_size_limit(16 * 1024 * 1024)

_KEY_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


@dataclass(frozen=True)
class Row:
    """One CSV row: its cells by header, and where it stands (row 1 is the header)."""

    file: Path
    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def localized(self, column: str) -> dict[str, str]:
        """The non-empty cells of `column.<locale>` by locale; also those of a product-type attribute."""
        prefix = f"{column}."
        found = {
            name[len(prefix) :]: cell.strip() for name, cell in self.cells.items() if name.startswith(prefix)
        }
        return {locale: text for locale, text in found.items() if text}

    def whole_number(self, column: str) -> int:
        try:
            return int(self.text(column))
        except ValueError:
            raise self.error(
                f"column {column!r} holds {self.text(column)!r}, which is not a whole number.",
                "Write digits only, without separators.",
            ) from None

    def error(self, message: str, remedy: str) -> ShopError:
        return ShopError(message, file=self.file, row=self.number, remedy=remedy)


def read_csv(file: Path, required: tuple[str, ...] = ()) -> list[Row]:
    """All rows of a CSV file, UTF-8 with or without a byte order mark. Raises ShopError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            table = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ShopError(
            f"can't be read: {problem}.", file=file, remedy="Save it as UTF-8 CSV with commas."
        ) from None
    header = [name.strip() for name in table[0]] if table else []
    missing = [name for name in required if name not in header]
    if missing:
        raise ShopError(
            f"has no column {', '.join(missing)}.",
            file=file,
            row=1,
            remedy="Export it again from commercetools, or add the column to the header.",
        )
    duplicated = sorted({name for name in header if name and header.count(name) > 1})
    if duplicated:
        raise ShopError(
            f"names the column {', '.join(duplicated)} twice.",
            file=file,
            row=1,
            remedy="Keep one column of each name.",
        )
    rows: list[Row] = []
    for number, cells in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ShopError(
                f"has {len(cells)} cells, the header has {len(header)}.",
                file=file,
                row=number,
                remedy="Quote cells that contain commas or line breaks.",
            )
        rows.append(Row(file, number, dict(zip(header, cells, strict=True))))
    return rows


def read_json(file: Path, default: Any = None) -> Any:
    """The JSON document in `file`; `default` where there is no such file and a default is given."""
    if not file.exists() and default is not None:
        return default
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise ShopError(
            f"can't be read: {problem.strerror or problem}.",
            file=file,
            remedy="Put the file into the shop folder.",
        ) from None
    except UnicodeDecodeError as problem:
        raise ShopError(f"is not UTF-8: {problem}.", file=file, remedy="Save it as UTF-8.") from None
    except json.JSONDecodeError as problem:
        raise ShopError(
            f"is not JSON: {problem.msg}.",
            file=file,
            row=problem.lineno,
            remedy="Correct the JSON syntax there.",
        ) from None


def read_drafts(file: Path) -> list[Draft]:
    """A JSON list of drafts; an absent file is an empty list."""
    drafts = read_json(file, default=[])
    if not isinstance(drafts, list) or not all(isinstance(draft, dict) for draft in drafts):
        raise ShopError("must be a list of objects.", file=file, remedy="Wrap the drafts in [ … ].")
    return drafts


def as_key(text: str) -> str:
    """`text` as a commercetools key: `[A-Za-z0-9_-]{2,256}` (RAML of the HTTP API). May be empty."""
    safe = _KEY_UNSAFE.sub("-", text.strip().translate(_GERMAN)).strip("-")[:256]
    return safe if len(safe) >= 2 else ""


def without_empty(value: Any) -> Any:
    """`value` without empty texts inside objects: an export writes "" where a locale has no text."""
    if isinstance(value, dict):
        return {key: without_empty(inner) for key, inner in value.items() if inner != ""}
    if isinstance(value, list):
        return [without_empty(inner) for inner in value]
    return value
