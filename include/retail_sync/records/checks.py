"""What a member of a foreign row may be: one small check a kind, put together to the shape of a row.

A check looks at a value and answers why it can't be taken, or None. What is absent or null is fine unless it is
`needed`. Answers are sentences of this module: none of them quotes a value, for it may be somebody's name.

A shape says nothing of members that nobody reads, so an API may add what it likes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from retail_sync.records.odd import reason_of

Check = Callable[[Any], str | None]
"""Why a value can't be taken; None where it can. A place inside the value is told before a colon."""
Shape = Mapping[str, Check]

LONGEST_IDENTIFIER: Final = 500
"""Characters of an id, key, SKU, code, number or name that is looked up. The ledger's indexes take 2,700 bytes; the
longest identifier of either API is 256 characters."""
LARGEST_WHOLE: Final = 2**63 - 1
LARGEST_AMOUNT: Final = Decimal(10**15)
"""Of prices, rates and quantities, in major units; far below what 64 bits of minor units hold."""
MOST_DECIMALS: Final = 20
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times of changes and deletions lie between these; a table's time cells hold them in any unit."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_PLAIN_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII
)


def needed(check: Check) -> Check:
    """As `check`, and it has to be there."""

    def is_there(value: Any) -> str | None:
        return "is missing" if value is None or value == "" else check(value)

    is_there.is_needed = True  # type: ignore[attr-defined]
    return is_there


def anything(value: Any) -> str | None:
    """Whatever it is; but not what could not even be parsed."""
    return reason_of(value)


def text(value: Any) -> str | None:
    if isinstance(value, str):
        return "is a text with characters that can't be stored" if _UNSTORABLE.search(value) else None
    return _other_than(value, "a text")


def identifier(value: Any) -> str | None:
    """A text that is looked up or indexed; some APIs send numbers for it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return None if abs(value) <= LARGEST_WHOLE else "is too long"
    why = text(value)
    if why is None and value is not None and len(value) > LONGEST_IDENTIFIER:
        return f"is longer than {LONGEST_IDENTIFIER} characters"
    return why


def word(value: Any) -> str | None:
    """A text, or a number that was meant as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return None if abs(value) <= LARGEST_WHOLE else "is too long"
    return text(value)


def one_of(*known: str) -> Check:
    """A word of a closed list. One that is not on it means something nobody here knows: it is not taken for another."""

    def check(value: Any) -> str | None:
        if value is None or (isinstance(value, str) and value in known):
            return None
        return text(value) or f"is none of {', '.join(known)}"

    return check


def flag(value: Any) -> str | None:
    """True or false; older answers have 0 and 1, as numbers or as texts."""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return None
    if isinstance(value, str) and value.casefold() in ("0", "1", "true", "false", ""):
        return None
    return _other_than(value, "true or false")


def whole(value: Any) -> str | None:
    """A 64-bit number, as a number or as text."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return _other_than(value, "a whole number")
    return None if -LARGEST_WHOLE <= value <= LARGEST_WHOLE else "is too large"


def amount(value: Any) -> str | None:
    """An exact number of money, of goods or of a rate, as a number or as text."""
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None:
        return _other_than(value, "a number")
    if abs(number) >= LARGEST_AMOUNT:
        return "is too large"
    _, _, exponent = number.as_tuple()
    return "has too many decimals" if isinstance(exponent, int) and -exponent > MOST_DECIMALS else None


def moment(value: Any) -> str | None:
    """A time of a change: ISO 8601, with or without a zone."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return _other_than(value, "a time")
    if len(value) > 64:
        return "is no time"
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return "is no time"
    return None if EARLIEST <= at <= LATEST else "is no time anybody can mean"


def members(shape: Shape) -> Check:
    """An object of this shape."""

    def check(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Mapping) or reason_of(value) is not None:
            return _other_than(value, "an object")
        return faults(value, shape)

    return check


def each(check: Check) -> Check:
    """A list whose items all pass; none of them is null."""

    def check_items(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, list):
            return _other_than(value, "a list")
        for position, item in enumerate(value):
            why = "is null" if item is None else check(item)
            if why is not None:
                return f"{position}.{why}" if ": " in why else f"{position}: {why}"
        return None

    return check_items


def values(check: Check) -> Check:
    """An object of any names whose values all pass."""

    def check_values(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Mapping) or reason_of(value) is not None:
            return _other_than(value, "an object")
        return next((why for item in value.values() if (why := check(item)) is not None), None)

    return check_values


def either(*checks: Check) -> Check:
    """What one of the checks takes: the first is for objects, the last for anything else, and says why not."""

    def check(value: Any) -> str | None:
        whys = [one(value) for one in checks]
        return None if None in whys else whys[0 if isinstance(value, Mapping) else -1]

    return check


def faults(row: Mapping[str, Any], shape: Shape) -> str | None:
    """The first member of a row that can't be taken: `place: why`; None where all can."""
    for name, check in shape.items():
        value = row.get(name)
        if value is None and not getattr(check, "is_needed", False):
            continue
        why = check(value)
        if why is not None:
            return f"{name}.{why}" if ": " in why else f"{name}: {why}"
    return None


def _other_than(value: Any, wanted: str) -> str | None:
    if value is None:
        return None
    reason = reason_of(value)
    return f"is {reason}" if reason else f"is not {wanted}"


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        return Decimal(value) if not isinstance(value, Decimal) or value.is_finite() else None
    if isinstance(value, float):
        value = repr(value)
    if not isinstance(value, str) or not _PLAIN_NUMBER.fullmatch(value.strip()):
        return None
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        return None
