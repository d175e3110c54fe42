"""What an address or a form may hold: bounded texts that a database can look for, and not endlessly many of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from retail_sync.ledger.queries.runs import ChangePlace

LONGEST_VALUE = 4_000
"""Letters of one value. The longest text a page has a field for is a search of 2,000."""
MOST_VALUES = 2_000
"""Values of one address or form. A page shows no more boxes than a few hundred."""
MOST_FORM_BYTES = 512 * 1024
"""A thousand ticked boxes are 50 KB."""
TOO_MUCH = 413
UNREADABLE = 400
FORM = "application/x-www-form-urlencoded"
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL can't hold and nobody can type."""


def require_readable(request: Request) -> None:
    """Raises HTTPException for an address that no page of ours leads to: 404 where the path is none, 400 for the
    query."""
    if _NO_TEXT.search(request.scope["path"]) or any(
        _NO_TEXT.search(str(one)) for one in request.path_params.values()
    ):
        raise HTTPException(404)
    _require(request.query_params.multi_items())


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The fields of a form. Raises HTTPException: 413 for a long one, 400 for one that can't be read, 415 for what is
    no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MOST_FORM_BYTES:
            raise HTTPException(TOO_MUCH)
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_VALUES)
    except ValueError:
        raise HTTPException(UNREADABLE) from None
    _require(fields)
    return fields


def _require(fields: Iterable[tuple[str, str]]) -> None:
    for number, pair in enumerate(fields, start=1):
        if number > MOST_VALUES or any(len(one) > LONGEST_VALUE or _NO_TEXT.search(one) for one in pair):
            raise HTTPException(UNREADABLE)


# --- values of an address: what makes no sense is none, or the beginning of a list ---


def uuid_of(text: str) -> str | None:
    """A UUID as it is written properly; None for anything else."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def number_of(text: str, below: int = 2**63) -> int:
    """A number that a database can hold; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) < below else 0


def told_change_place(place: ChangePlace) -> str:
    """A place in a list of changes, as an address holds it."""
    return f"{place.batch}|{place.id}|{place.unit}"


def change_place_of(told: str) -> ChangePlace | None:
    """The place an address holds; None is the beginning."""
    batch, _, rest = told.partition("|")
    change, bar, unit = rest.partition("|")
    number, found = number_of(batch, 2**31), uuid_of(change)
    return ChangePlace(number, found, unit) if bar and found and str(number) == batch else None
