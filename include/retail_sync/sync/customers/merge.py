"""What flows between two customers that are one: each field by its owner, each side compared with its own past. Pure.

For a field both sides hold, L and R are today's values, bl and br what each side showed when both last agreed:

| owner | one side moved | both moved | nothing agreed yet |
| --- | --- | --- | --- |
| a system | its value goes over, whichever side moved | its value goes over | its value goes over |
| `newest` | the moved value goes over | the side that was changed last | the side that was changed last |
| `review` | the moved value goes over | conflict | conflict |

Equal values are agreed on, and where neither side moved nothing happens, even if they differ: that is how each system
spells what was agreed. As long as nothing was agreed on, an empty value never wipes out a filled one: the filled one
goes over where the owner allows it, or nothing happens. Two changes by `newest` closer than the clock skew are a
conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from retail_sync.records.customers import CONSENTS
from retail_sync.records.ports.products import SystemName, other
from retail_sync.settings.models.base import Owner

Verdict = Literal["agreed", "write", "conflict", "nothing"]
EMPTY: tuple[Any, ...] = (None, "", {})
Key = Callable[[Any], Any]
"""The form in which the values of a field are compared (`retail_sync.records.types.comparing`)."""
Base = tuple[Any, Any]
"""What the online side and the till showed when they last agreed."""


@dataclass(frozen=True)
class Sides:
    """One field of a pair: the value online, the value at the till, and when each record was last changed (UTC)."""

    online: Any
    till: Any
    base: Base | None = None
    online_at: datetime | None = None
    till_at: datetime | None = None
    key: Key = lambda value: value

    @property
    def equal(self) -> bool:
        return bool(self.key(self.online) == self.key(self.till))

    @property
    def online_moved(self) -> bool:
        return self.base is not None and self.key(self.online) != self.key(self.base[0])

    @property
    def till_moved(self) -> bool:
        return self.base is not None and self.key(self.till) != self.key(self.base[1])

    def of(self, system: SystemName) -> Any:
        return self.online if system == "commercetools" else self.till


@dataclass(frozen=True)
class Decision:
    """`write`: the value of the other side goes to `target`, because of `reason`."""

    verdict: Verdict
    target: SystemName | None = None
    reason: str = ""


NOTHING = Decision("nothing")
AGREED = Decision("agreed")
CONFLICT = Decision("conflict")


def decide(owner: Owner, sides: Sides, skew: timedelta) -> Decision:
    """What happens to one field. Unknown (None) on either side: nothing."""
    if owner == "none" or sides.online is None or sides.till is None:
        return NOTHING
    if sides.equal:
        return AGREED
    if sides.base is None:
        return _first(owner, sides, skew)
    if not sides.online_moved and not sides.till_moved:
        return NOTHING
    if owner in ("commercetools", "lightspeed"):
        return _owned(owner, sides)
    if sides.online_moved != sides.till_moved:
        mover: SystemName = "commercetools" if sides.online_moved else "lightspeed"
        return Decision("write", other(mover), f"changed in {mover}")
    return _both(owner, sides, skew, "changed on both sides")


def _first(owner: Owner, sides: Sides, skew: timedelta) -> Decision:
    online_empty, till_empty = sides.online in EMPTY, sides.till in EMPTY
    if owner in ("commercetools", "lightspeed"):
        own: SystemName = owner
        if sides.of(own) in EMPTY:
            return NOTHING
        return Decision("write", other(own), f"first alignment; {own} owns the field")
    if online_empty or till_empty:
        filled: SystemName = "lightspeed" if online_empty else "commercetools"
        return Decision("write", other(filled), f"first alignment; only {filled} knows it")
    return _both(owner, sides, skew, "first alignment")


def _owned(owner: Owner, sides: Sides) -> Decision:
    own: SystemName = owner  # type: ignore[assignment]
    moved = sides.online_moved if own == "commercetools" else sides.till_moved
    reason = f"changed in {own}" if moved else f"changed in {other(own)}, set back: {own} owns the field"
    return Decision("write", other(own), reason)


def _both(owner: Owner, sides: Sides, skew: timedelta, why: str) -> Decision:
    if owner == "review" or sides.online_at is None or sides.till_at is None:
        return CONFLICT
    apart = sides.online_at - sides.till_at
    if abs(apart) <= skew:
        return CONFLICT
    later: SystemName = "commercetools" if apart > timedelta(0) else "lightspeed"
    return Decision("write", other(later), f"{why}; {later} changed last")


# ---------------------------------------------------------------- consents


def decide_consent(sides: Sides, trusted: tuple[SystemName, ...]) -> Decision:
    """What happens to a consent. A no travels from wherever it is given; a yes travels only from where consent is
    really asked for, and never over a no that was given since.

    Unknown (None) is neither yes nor no: it is never made one, but a no is told to a side that knows nothing.
    """
    online, till = sides.online, sides.till
    if online is None and till is None:
        return NOTHING
    if online is not None and till is not None and online == till:
        return AGREED
    if sides.base is not None and not sides.online_moved and not sides.till_moved:
        return NOTHING
    refusing: SystemName = "commercetools" if online is False else "lightspeed"
    granting = other(refusing)
    if False in (online, till):
        if _granted_anew(sides, granting, trusted):
            return Decision("write", refusing, f"consent given in {granting}")
        return Decision("write", granting, f"no consent in {refusing}")
    # One side says yes, the other one nothing.
    giver: SystemName = "commercetools" if online is True else "lightspeed"
    return Decision("write", other(giver), f"consent given in {giver}") if giver in trusted else NOTHING


def _granted_anew(sides: Sides, granting: SystemName, trusted: tuple[SystemName, ...]) -> bool:
    """Whether the yes is newer than the no: both agreed on no, and only the side with the yes moved since."""
    moved = sides.online_moved if granting == "commercetools" else sides.till_moved
    stood = not (sides.till_moved if granting == "commercetools" else sides.online_moved)
    return granting in trusted and sides.base is not None and moved and stood and sides.of(granting) is True


def is_consent(name: str) -> bool:
    return name in CONSENTS
