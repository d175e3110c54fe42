"""What we switched off ourselves: remembered with the link, so that it is never read back as somebody's edit.

A record whose partner is gone, or has left the assortment, is deactivated by policy. That it is off says nothing about
what anybody wants then, whoever owns `active`. This is noted beside what was sent to that side (`Link.resent`). The
record follows its partner as soon as that is there again, and the note ends when the record is seen switched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ACTIVE = "active"
_WHY = "off"


def why_off(resent: Mapping[str, Any], system: str) -> str | None:
    """Why we switched the record of this system off; None where we did not."""
    note = resent.get(f"{system}.{ACTIVE}") or {}
    why: str | None = note.get(_WHY)
    return why


def switched_off(resent: Mapping[str, Any], system: str, why: str) -> dict[str, Any]:
    """The notes, with the one that we did it."""
    return {**resent, f"{system}.{ACTIVE}": {_WHY: why}}


def forgotten(resent: Mapping[str, Any], system: str) -> dict[str, Any]:
    """The notes without it: whoever switched the record on again, from now on its state is its own."""
    return {name: note for name, note in resent.items() if name != f"{system}.{ACTIVE}" or _WHY not in note}
