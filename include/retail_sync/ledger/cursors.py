"""Which of two cursors is the later one.

A cursor is a text in its system's own terms: a version number or a timestamp. The ledger needs their order only, to
never move one backwards.
"""

from __future__ import annotations

from datetime import datetime

from retail_sync.ledger.engine import SYSTEM
from retail_sync.records.errors import ProtocolFault


def is_later(candidate: str, stored: str) -> bool:
    """Whether `candidate` is further along than `stored`. Raises ProtocolFault where they can't be compared."""
    ours, theirs = _place(candidate), _place(stored)
    if isinstance(ours, int) and isinstance(theirs, int):
        return ours > theirs
    if isinstance(ours, datetime) and isinstance(theirs, datetime):
        return ours > theirs
    raise _no_order(f"Cursor {candidate!r} cannot be compared with the stored {stored!r}.")


def require_order(cursor: str) -> None:
    """Raise ProtocolFault for a first cursor that no later one could be compared with."""
    if _place(cursor) is None:
        raise _no_order(f"Cursor {cursor!r} has no place in an order.")


def _no_order(problem: str) -> ProtocolFault:
    return ProtocolFault(
        problem,
        system=SYSTEM,
        remedy="A cursor is a version number or a time with its zone. If the system changed from one to the other, "
        "remove the entity's row from the table `cursors` and run it once in full mode.",
    )


def _place(cursor: str) -> int | datetime | None:
    if cursor.isascii() and cursor.isdigit():
        return int(cursor)
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
