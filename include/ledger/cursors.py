"""Which of two cursors is the later one.

A cursor is a text in its system's own terms: a version number or a timestamp. The ledger needs their order only, to
never move one backwards.
"""

from __future__ import annotations

from datetime import datetime

from include.ledger.engine import SYSTEM
from include.records.errors import ProtocolFault


def is_later(candidate: str, stored: str) -> bool:
    """Whether `candidate` lies behind `stored` in reading order. Raises ProtocolFault where they can't be compared."""
    ours, theirs = _place(candidate), _place(stored)
    if isinstance(ours, int) and isinstance(theirs, int):
        return ours > theirs
    if isinstance(ours, datetime) and isinstance(theirs, datetime):
        return ours > theirs
    raise ProtocolFault(
        f"Cursor {candidate!r} cannot be compared with the stored {stored!r}.",
        system=SYSTEM,
        remedy="A cursor is a version number or a time with its zone. If the system changed from one to the other, "
        "run the entity once in full mode after removing its row from the table `cursors`.",
    )


def _place(cursor: str) -> int | datetime | None:
    if cursor.isascii() and cursor.isdigit():
        return int(cursor)
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
