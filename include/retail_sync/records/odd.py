"""What stands in a document in the place of a value that nobody can take: an object that no field accepts.

A number of a billion digits, half of a surrogate pair or a member that is there twice must cost the record it is in,
and no other. So the parser of everything that comes from outside (`retail_sync.transport.bodies.parse`) puts such an
object where the value was; readers refuse it as they refuse any object where a number or a text belongs, staging
keeps it, and the finding says why. Reasons are the ones below and never quote what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MARK: Final = "$unreadable"

NUMBER: Final = "a number with too many digits"
NO_NUMBER: Final = "not a number"
TEXT: Final = "a text with characters that can't be stored"
TWICE: Final = "a member that is there twice"
DEEP: Final = "a value that is nested too deep"

REASONS = frozenset({NUMBER, NO_NUMBER, TEXT, TWICE, DEEP})


def odd(reason: str) -> dict[str, str]:
    """The object that stands for a value nobody can take."""
    return {MARK: reason}


def reason_of(value: Any) -> str | None:
    """Why a value could not be taken; None for any other value, and for an object that somebody else made up."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    reason = value.get(MARK)
    return reason if isinstance(reason, str) and reason in REASONS else None
