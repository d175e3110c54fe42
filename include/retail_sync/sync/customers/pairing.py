"""Who is who: links, then what a person decided, then the configured identifiers; unique, of one name, or not at
all."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from retail_sync.ledger.rows import Link
from retail_sync.records.ports.products import SYSTEMS, SystemName, system_named
from retail_sync.sync.customers.evidence import ambiguous, name_differs
from retail_sync.sync.customers.known import Known
from retail_sync.sync.customers.world import PHONES, World, names_differ
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.matching import Ambiguity, match

STEP_TOKENS = {"loyalty_id": "loyalty_id", "number": "number", "email": "email", "phone_name": "phone_names"}
"""The token that a step matches by."""
BY_HAND = "a person"


@dataclass(frozen=True)
class Pair:
    """Two customers that are one. `link` is None while the pair is new; then `matched_by` says how it was found."""

    online: Known
    till: Known
    link: Link | None
    matched_by: str

    def of(self, system: SystemName) -> Known:
        return self.online if system == "commercetools" else self.till

    @property
    def ids(self) -> tuple[str, str]:
        return self.online.id, self.till.id


@dataclass
class Pairing:
    """`pairs`: of two who live. `widowed`: links of which one side or both are gone. `retired`: links that count no
    more. `holds`: who can't be paired, and why. `waiting`: subjects that are held with it."""

    pairs: list[Pair] = field(default_factory=list)
    widowed: list[Link] = field(default_factory=list)
    retired: list[Link] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)

    @property
    def partners(self) -> dict[str, Known]:
        """Whom everybody in a pair is one with, by subject."""
        found = {pair.online.subject: pair.till for pair in self.pairs}
        return {**found, **{pair.till.subject: pair.online for pair in self.pairs}}


def pair_up(world: World) -> Pairing:
    """Pairs of everybody, linked or found now; only those this run looks at are told of."""
    found = Pairing()
    _links(world, found)
    taken: dict[SystemName, set[str]] = {
        "commercetools": {pair.online.id for pair in found.pairs}
        | {w.commercetools_id for w in found.widowed},
        "lightspeed": {pair.till.id for pair in found.pairs} | {w.lightspeed_id for w in found.widowed},
    }
    _by_hand(world, found, taken)
    _by_identifiers(world, found, taken)
    return found


def _links(world: World, found: Pairing) -> None:
    """Links in force. One whose dead side lives on under another id (two profiles merged at the till, an account made
    anew) is retired, so that the heir can be matched."""
    for link in world.links:
        online = world.known("commercetools", link.commercetools_id)
        till = world.known("lightspeed", link.lightspeed_id)
        if world.ruling.ends((link.commercetools_id, link.lightspeed_id)):
            found.retired.append(link)
        elif online is not None and till is not None and online.lives and till.lives:
            found.pairs.append(Pair(online, till, link, link.matched_by))
        elif _has_heir(world, link, online, till):
            found.retired.append(link)
        else:
            found.widowed.append(link)


def _has_heir(world: World, link: Link, online: Known | None, till: Known | None) -> bool:
    for survivor, dead_side in ((till, "commercetools"), (online, "lightspeed")):
        system: SystemName = "commercetools" if dead_side == "commercetools" else "lightspeed"
        dead = online if system == "commercetools" else till
        if survivor is None or not survivor.lives or (dead is not None and dead.lives):
            continue
        heirs = {
            heir.id
            for name, heirs in world.lookalikes(survivor, system).items()
            for heir in heirs
            if name != PHONES and heir.id not in world.linked[system]
        }
        if heirs:
            return True
    return False


def _by_hand(world: World, found: Pairing, taken: dict[SystemName, set[str]]) -> None:
    """Pairs that a person named: as good as links."""
    for online_id, till_id in sorted(world.ruling.same):
        online, till = world.known("commercetools", online_id), world.known("lightspeed", till_id)
        if online is None or till is None or not (online.lives and till.lives):
            continue
        if online_id in taken["commercetools"] or till_id in taken["lightspeed"]:
            continue
        if world.ruling.ends((online_id, till_id)):
            continue
        found.pairs.append(Pair(online, till, None, BY_HAND))
        taken["commercetools"].add(online_id)
        taken["lightspeed"].add(till_id)


def _by_identifiers(world: World, found: Pairing, taken: dict[SystemName, set[str]]) -> None:
    tables: dict[SystemName, dict[str, pd.DataFrame]] = {system: _tables(world, system) for system in SYSTEMS}
    matches = match(
        tables["commercetools"],
        tables["lightspeed"],
        taken["commercetools"],
        taken["lightspeed"],
        tuple(world.settings.match),
    )
    unclear = {(one.system, one.id) for one in matches.ambiguous}
    for row in matches.pairs.itertuples(index=False):
        online = world.sides["commercetools"][str(row.commercetools_id)]
        till = world.sides["lightspeed"][str(row.lightspeed_id)]
        pair = Pair(online, till, None, str(row.matched_by))
        if pair.ids in world.ruling.apart:
            continue
        if names_differ(online, till):
            found.holds.append(name_differs(pair.online, pair.till, pair.matched_by))
            found.waiting |= {online.subject, till.subject}
        else:
            found.pairs.append(pair)
    for one in matches.ambiguous:
        _unclear(world, found, one)
    found.waiting |= {f"{system}:{record}" for system, record in unclear}


def _unclear(world: World, found: Pairing, one: Ambiguity) -> None:
    system = system_named(one.system)
    person = world.sides[system][one.id]
    if person.id in world.affected[system]:
        candidates = {
            s: [world.sides[s][i] for i in one.candidates[s] if i in world.sides[s]] for s in SYSTEMS
        }
        found.holds.append(ambiguous(person, one.identifier, candidates))


def _tables(world: World, system: SystemName) -> dict[str, pd.DataFrame]:
    """The identifiers of everybody on one side who may be matched, a table a step."""
    ids: dict[str, list[str]] = {}
    values: dict[str, list[str]] = {}
    for one in world.living(system):
        if one.subject in world.ruling.own:
            continue  # a person of its own is nobody's partner
        for step in world.settings.match:
            for value in _identifiers(world, one, step):
                ids.setdefault(step, []).append(one.id)
                values.setdefault(step, []).append(value)
    return {
        step: pd.DataFrame({"id": ids.get(step, []), "value": values.get(step, [])}, dtype="object")
        for step in world.settings.match
    }


def _identifiers(world: World, one: Known, step: str) -> set[str]:
    """What a customer shows to be matched by in one step. By external id a pair meets in the id that one side
    names."""
    if step != "external_id":
        return set(one.tokens.get(STEP_TOKENS[step], ()))
    found = {one.id} if one.id in world.named[one.system] else set()
    partners = world.sides["lightspeed" if one.system == "commercetools" else "commercetools"]
    if one.external_id in partners:
        found.add(one.external_id)
    return found
