"""Product codes: which of them are barcodes of the record, and the full list a write has to send.

The first code of a product is its default and equals its SKU; the list is replaced as a whole on every write, so the
codes this package does not manage have to be sent along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stdnum import ean

from retail_sync.records.identifiers import matching_key, spelled_as

JAPAN_PREFIXES = ("45", "49")
BOOK_PREFIXES = ("978", "979")

Code = dict[str, str]


def type_of(code: str) -> str:
    """The type a code is declared as. A code whose check digit is wrong is CUSTOM: it still scans, and a typed one
    would be refused (inferred)."""
    if not (code.isascii() and code.isdigit()) or len(code) not in (8, 12, 13, 14) or not ean.is_valid(code):
        return "CUSTOM"
    if len(code) == 13:
        if code.startswith(BOOK_PREFIXES):
            return "ISBN"
        return "JAN" if code.startswith(JAPAN_PREFIXES) else "EAN"
    return {8: "EAN", 12: "UPC", 14: "ITF"}[len(code)]


def codes_of(row: Mapping[str, Any]) -> list[Code] | None:
    """Type and code of every product code of a wire row, in order; None where the row does not show them."""
    listed = row.get("product_codes")
    if not isinstance(listed, list):
        return None
    return [
        {"type": str(entry.get("type") or "CUSTOM"), "code": str(entry["code"])}
        for entry in listed
        if isinstance(entry, Mapping) and entry.get("code") not in (None, "")
    ]


def barcodes_of(codes: Iterable[Code], sku: str, *, multiple: bool) -> list[str]:
    """The codes that scan beside the SKU, leading zeros kept; only the first of them unless `multiple`."""
    found = (matching_key(entry["code"]) for entry in codes)
    others = list(dict.fromkeys(code for code in found if code and code != matching_key(sku)))
    return others if multiple else others[:1]


def code_list(
    sku: str, barcodes: Sequence[str], *, present: Sequence[Code] = (), old_sku: str = "", multiple: bool
) -> list[Code]:
    """The full list to send: the SKU first, then the wanted barcodes, then what is there but not managed here.

    Managed are the old SKU and the barcodes that `barcodes_of` shows of `present`; they go unless they are wanted.
    """
    known = {entry["code"]: entry["type"] for entry in present}
    managed = {matching_key(code) for code in (old_sku, *barcodes_of(present, old_sku, multiple=multiple))}
    wanted = [code for code in (sku, *spelled_as(barcodes, known)) if code]
    kept = [entry["code"] for entry in present if matching_key(entry["code"]) not in managed]
    return [
        {"type": known.get(code) or ("CUSTOM" if code == sku else type_of(code)), "code": code}
        for code in dict.fromkeys([*wanted, *kept])
    ]
