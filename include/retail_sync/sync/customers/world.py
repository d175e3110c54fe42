"""Everything a plan for customers is made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from retail_sync.ledger.rows import Link
from retail_sync.records.customers import CONSENTS
from retail_sync.records.ports.customers import CustomerSystem
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.known import Known
from retail_sync.sync.engine.decisions import Decided

Token = tuple[str, str]
"""A name of `retail_sync.records.customers.TOKENS` and a digest."""
IDENTIFYING = ("email", "loyalty_id", "number", "phone_names")
"""Tokens that only one person should bear."""
PHONES = "phones"
"""A token that a household shares: it identifies only where the names do not speak against it."""


@dataclass(frozen=True)
class Terms:
    """What a system can hold at all: canonical fields it has a place for, and those of them that can be written."""

    holds: frozenset[str]
    writes: frozenset[str]

    @classmethod
    def of(cls, adapter: CustomerSystem) -> Terms:
        return cls(adapter.holds, adapter.writes)

    def as_document(self) -> dict[str, list[str]]:
        return {"holds": sorted(self.holds), "writes": sorted(self.writes)}

    @classmethod
    def of_document(cls, document: Mapping[str, Collection[str]]) -> Terms:
        return cls(frozenset(document["holds"]), frozenset(document["writes"]))


@dataclass(frozen=True)
class Ruling:
    """What a person decided: pairs that are one person, pairs that are not, profiles that are a person of their own
    though others look like them, and profiles that take no part. Pairs are (online id, till id), profiles
    subjects."""

    same: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[tuple[str, str]] = frozenset()
    own: frozenset[str] = frozenset()
    out: frozenset[str] = frozenset()

    def ends(self, pair: tuple[str, str]) -> bool:
        """Whether two are no pair by a person's word: told apart, one of them is nobody of ours, or one belongs to
        somebody else."""
        subjects = {f"commercetools:{pair[0]}", f"lightspeed:{pair[1]}"}
        if pair in self.apart or subjects & self.out:
            return True
        return pair not in self.same and any(pair[0] == a or pair[1] == b for a, b in self.same)


@dataclass(frozen=True)
class World:
    """Both sides as last seen (or as much of them as bears on whom this run looks at), today's links, what a person
    decided, and whom this run looks at (ids by system)."""

    sides: Mapping[SystemName, Mapping[str, Known]]
    links: list[Link]
    terms: Mapping[SystemName, Terms]
    settings: CustomerSettings
    affected: Mapping[SystemName, frozenset[str]]
    ruling: Ruling = field(default_factory=Ruling)
    decided: Decided = field(default_factory=Decided)
    partners: Mapping[str, Known] = field(default_factory=dict)
    """By subject, whom somebody was found to be one with."""
    count_links: Callable[[], int] | None = None
    """How many links there are, where these sides and links are those that bear on whom this run looks at."""

    def linked_pairs(self) -> int:
        """How many links there are."""
        return len(self.links) if self.count_links is None else self.count_links()

    def known(self, system: SystemName, record: str) -> Known | None:
        return self.sides[system].get(record)

    def living(self, system: SystemName) -> Iterator[Known]:
        """Everybody on one side who is there, takes part, and was not ruled out."""
        for one in self.sides[system].values():
            if one.lives and one.takes_part and one.subject not in self.ruling.out:
                yield one

    @cached_property
    def linked(self) -> Mapping[SystemName, Mapping[str, Link]]:
        """Links by the id of each side."""
        return {
            "commercetools": {link.commercetools_id: link for link in self.links},
            "lightspeed": {link.lightspeed_id: link for link in self.links},
        }

    def partner(self, one: Known) -> Known | None:
        """Whom somebody is linked with."""
        if one.system == "commercetools":
            link = self.linked["commercetools"].get(one.id)
            return None if link is None else self.known("lightspeed", link.lightspeed_id)
        link = self.linked["lightspeed"].get(one.id)
        return None if link is None else self.known("commercetools", link.commercetools_id)

    @cached_property
    def named(self) -> Mapping[str, frozenset[str]]:
        """Ids of each system that somebody of the other one names."""
        return {
            "commercetools": frozenset(one.external_id for one in self.sides["lightspeed"].values()),
            "lightspeed": frozenset(one.external_id for one in self.sides["commercetools"].values()),
        }

    @cached_property
    def bearers(self) -> Mapping[SystemName, Mapping[Token, list[Known]]]:
        """Everybody who lives, by each token that identifies and by telephone number, whether or not they take part:
        the identity is taken."""
        found: dict[SystemName, dict[Token, list[Known]]] = {"commercetools": {}, "lightspeed": {}}
        for system, side in self.sides.items():
            for one in side.values():
                if not one.lives:
                    continue
                for name in (*IDENTIFYING, PHONES):
                    for token in one.tokens.get(name, ()):
                        found[system].setdefault((name, token), []).append(one)
        return found

    def lookalikes(self, person: Known, system: SystemName) -> dict[str, list[Known]]:
        """Others in a system who share an identifying token, or a telephone number, with somebody, by the name of the
        token."""
        found: dict[str, list[Known]] = {}
        for name in (*IDENTIFYING, PHONES):
            for token in person.tokens.get(name, ()):
                for other in self.bearers[system].get((name, token), ()):
                    if other.subject != person.subject and other not in found.get(name, ()):
                        found.setdefault(name, []).append(other)
        return found

    def namesakes(self, person: Known, system: SystemName) -> list[Known]:
        """Others in a system of the same whole name whom nothing tells apart: they lack what could be compared, and
        so do those they are one with."""
        return [
            other
            for token in person.tokens.get("full_name", ())
            for other in self._by_name[system].get(token, ())
            if other.subject != person.subject and not self._told_apart(person, other)
        ]

    def _told_apart(self, person: Known, other: Known) -> bool:
        partner = self.partners.get(other.subject)
        return told_apart_by(person, other) or (partner is not None and told_apart_by(person, partner))

    @cached_property
    def _by_name(self) -> Mapping[SystemName, Mapping[str, list[Known]]]:
        found: dict[SystemName, dict[str, list[Known]]] = {"commercetools": {}, "lightspeed": {}}
        for system, side in self.sides.items():
            for one in side.values():
                if one.lives:
                    for token in one.tokens.get("full_name", ()):
                        found[system].setdefault(token, []).append(one)
        return found

    def may_be_told(self, name: str, *people: Known) -> bool:
        """Whether a field of somebody may flow at all: what is only for marketing does while there is consent, given
        where consent is asked for and refused nowhere."""
        needed = self.settings.marketing.get(name)
        if needed is None:
            return True
        consent = self.settings.consents.get(needed)
        trusted = consent.trusted if consent else ()
        said = {one.system: one.fields.get(f"consent_{needed}") for one in people}
        return False not in said.values() and any(said.get(system) is True for system in trusted)

    @cached_property
    def merged(self) -> tuple[str, ...]:
        """Fields that can flow: owned by somebody, and held by both sides."""
        both = self.terms["commercetools"].holds & self.terms["lightspeed"].holds
        wanted = {name for name in self.settings.fields if self.settings.owner_of(name) != "none"}
        consents = {name for name in CONSENTS if name.removeprefix("consent_") in self.settings.consents}
        return tuple(sorted(both & (wanted | consents)))


def names_differ(one: Known, another: Known) -> bool:
    """Whether both have names, and neither is part of the other: Ada Byron is Ada King Byron, but not Ada
    Lovelace."""
    a, b = one.tokens.get("names", frozenset()), another.tokens.get("names", frozenset())
    return bool(a) and bool(b) and not (a <= b or b <= a)


TELLING = ("email", "phones", "loyalty_id")
"""Tokens that tell two people of one name apart, where both have some."""


def told_apart_by(one: Known, another: Known) -> bool:
    """Whether something both have says that two of one name are two people."""
    for name in TELLING:
        a, b = one.tokens.get(name), another.tokens.get(name)
        if a and b and not a & b:
            return True
    born, other_born = one.fields.get("date_of_birth"), another.fields.get("date_of_birth")
    return bool(born) and bool(other_born) and born != other_born
