"""Which records a plan has to know to be sure of some of them: those that might be the same thing, and whom they are
linked with. What nobody of them shares an identifier or a link with can change nothing.

An entity names the identifiers of its records when they are mirrored (`Mirror.see`), each with the name of its kind
before it (`key`); here they are only compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import SYSTEMS

Records = dict[str, set[str]]
"""Ids by system."""


def key(name: str, value: str) -> str:
    """An identifier as the mirror keeps it: `name` is its kind."""
    return f"{name}:{value}"


def records(given: Mapping[str, Collection[str]] | None = None) -> Records:
    """Records of both systems: these, or none."""
    return {system: set((given or {}).get(system, ())) for system in SYSTEMS}


def joined(*some: Mapping[str, Collection[str]]) -> Records:
    """All of these records."""
    found = records()
    for one in some:
        for system, ids in one.items():
            found[system] |= set(ids)
    return found


def bearers(
    ledger: Ledger, entity: str, kind: str, of: Mapping[str, Collection[str]], names: Collection[str]
) -> Records:
    """Who bears one of the identifiers of these records, they themselves too. `names`: the kinds that count."""
    wanted = _named(ledger.mirror.keys(entity, kind, of), names)
    return joined(of, ledger.mirror.bearers(entity, kind, wanted))


def closure(
    ledger: Ledger,
    entity: str,
    kind: str,
    of: Mapping[str, Collection[str]],
    names: Collection[str],
    pairs: Iterable[tuple[str, str]] = (),
) -> Records:
    """These records, whoever bears an identifier of theirs, whom they are linked with, and so on until nobody is new.

    `names`: the kinds of identifiers that count. `pairs`: who is one besides the links (commercetools id, Lightspeed
    id)."""
    reached = joined(of)
    asked: set[str] = set()
    fresh = reached
    said = _partners(pairs)
    while any(fresh.values()):
        wanted = _named(ledger.mirror.keys(entity, kind, fresh), names) - asked
        asked |= wanted
        found = joined(
            ledger.mirror.bearers(entity, kind, wanted),
            ledger.links.partners(entity, kind, fresh),
            _said(said, fresh),
        )
        fresh = {system: ids - reached[system] for system, ids in found.items()}
        reached = joined(reached, fresh)
    return reached


def _named(keys: Iterable[str], names: Collection[str]) -> set[str]:
    begins = tuple(key(name, "") for name in names)
    return {one for one in keys if one.startswith(begins)}


def _partners(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Records]:
    found: dict[tuple[str, str], Records] = {}
    for online, till in pairs:
        found.setdefault(("commercetools", online), records())["lightspeed"].add(till)
        found.setdefault(("lightspeed", till), records())["commercetools"].add(online)
    return found


def _said(said: Mapping[tuple[str, str], Records], of: Records) -> Records:
    return joined(*(said[system, one] for system, ids in of.items() for one in ids if (system, one) in said))
