"""A customer who became somebody else in one system: anonymised, or an account that another person took over. Pure.

Who is anonymised gets another e-mail address and other names at once. What belongs to such a replacement goes over
whole or not at all: half of it would leave the old person's address beside nobody's name.
"""

from __future__ import annotations

from collections.abc import Collection

from retail_sync.records.customers import PERSON, column_of
from retail_sync.records.ports.products import SystemName, other
from retail_sync.records.types import same
from retail_sync.sync.customers.evidence import finding
from retail_sync.sync.customers.pairing import Pair
from retail_sync.sync.engine.findings import Finding

CODE = "person_replaced"
NAMES = ("first_name", "last_name")


def replaced_fields(pair: Pair, system: SystemName) -> set[str]:
    """The fields of `PERSON` that changed in `system` since both sides last agreed, where its e-mail address and a
    name are among them; empty otherwise."""
    if pair.link is None:
        return set()
    side = 0 if system == "commercetools" else 1
    shown = pair.of(system).fields
    moved = {
        name
        for name in PERSON
        if name in pair.link.base
        and name in shown
        and not same(column_of(name), shown[name], pair.link.base[name][side])
    }
    return moved if "email" in moved and moved & set(NAMES) else set()


def half_replaced(pair: Pair, system: SystemName, going: Collection[str]) -> tuple[set[str], list[Finding]]:
    """Which of the fields `going` to the other side must not, because not all that was replaced in `system` can go,
    and the hold that says so."""
    moved = replaced_fields(pair, system)
    target = other(system)
    standing = pair.of(target).fields
    staying = {
        name
        for name in moved - set(going)
        if not same(column_of(name), pair.of(system).fields[name], standing.get(name))
    }
    if not staying or not moved & set(going):
        return set(), []
    told = finding(
        pair.of(system),
        CODE,
        f"E-mail address and name were replaced together, as an anonymisation does, but {', '.join(sorted(staying))} "
        f"can't go to {target}. Nothing of the replacement was written.",
        evidence={"replaced": sorted(moved), "stays": sorted(staying), "partner": pair.of(target).subject},
    )
    return moved & set(going), [told]
