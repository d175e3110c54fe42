"""From both sides to a plan: what to write where, who waits for a person, what was agreed on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from retail_sync.ledger.rows import ChangeRow, Link, new_id
from retail_sync.records.customers import CONSENTS, CREATION_KEYS, ENTITY, EXTERNAL_ID, KIND, column_of
from retail_sync.records.ports.products import SYSTEMS, SystemName, other
from retail_sync.records.sealing import shown
from retail_sync.records.types import comparing
from retail_sync.sync.customers.creations import CreationRefused, wanted_of
from retail_sync.sync.customers.deletions import follow_deletions
from retail_sync.sync.customers.evidence import finding
from retail_sync.sync.customers.known import Known
from retail_sync.sync.customers.merge import (
    CONFLICT,
    NOTHING,
    Base,
    Decision,
    Sides,
    decide,
    decide_consent,
)
from retail_sync.sync.customers.pairing import Pair, Pairing, pair_up
from retail_sync.sync.customers.replacing import half_replaced
from retail_sync.sync.customers.validation import check
from retail_sync.sync.customers.world import World
from retail_sync.sync.engine.decisions import WINNERS, about_conflict
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.removals import REMOVAL, waiting_records

Action = Literal["create", "update", "anonymise", "delete"]
Status = Literal["planned", "held", "unchanged", "ignored"]
CREATED_BY_US = "created"
"""How a pair was found of which one side was made after the other."""


@dataclass(frozen=True)
class Planned:
    """One write of one customer. `before`, `after`: plain values, sealed where they are private."""

    action: Action
    target: SystemName
    source: Known
    standing: Known | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: Mapping[str, str]
    erase: bool = False

    @property
    def unit(self) -> str:
        return f"{self.target}:{self.standing.id if self.standing else f'new:{self.source.id}'}"


@dataclass(frozen=True)
class Agreed:
    """A pair with what both sides agree on from now on, a field: what each of them shows."""

    pair: Pair
    base: Mapping[str, list[Any]]


@dataclass
class CustomerPlan:
    """`agreed`: pairs whose base is news, new pairs included. `status`: by subject, of everybody this run looks at,
    with why."""

    changes: list[Planned] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    agreed: list[Agreed] = field(default_factory=list)
    retired: list[Link] = field(default_factory=list)
    matched: int = 0
    status: dict[str, tuple[Status, str]] = field(default_factory=dict)


def plan_customers(world: World) -> CustomerPlan:
    """The plan for everybody the run looks at."""
    return _Planner(world).plan()


@dataclass
class _Planner:
    world: World
    made: CustomerPlan = field(default_factory=CustomerPlan)

    def plan(self) -> CustomerPlan:
        pairing = pair_up(self.world)
        self.world = replace(self.world, partners=pairing.partners)
        self.made.retired = list(pairing.retired)
        self._hold(pairing.holds)
        for pair in pairing.pairs:
            if self._looks_at(pair.online) or self._looks_at(pair.till):
                self._merge(pair)
        self._follow_deletions(pairing)
        self._create_missing(pairing)
        self._account()
        return self.made

    # --- pairs ---

    def _merge(self, pair: Pair) -> None:
        if pair.link is None:
            self.made.matched += 1
        writes: dict[SystemName, dict[str, str]] = {"commercetools": {}, "lightspeed": {}}
        base: dict[str, list[Any]] = dict(pair.link.base) if pair.link else {}
        for name in self.world.merged:
            sides = _sides(pair, name)
            if _is_our_own_no(name, sides, pair):
                base[name] = [sides.online, sides.till]
                continue
            decision = self._decide(name, sides, pair)
            if decision is CONFLICT:
                decision = self._settled(name, sides, pair)
            if decision is CONFLICT:
                self._hold([self._conflict(pair, name, sides)])
            elif decision.verdict == "agreed":
                base[name] = [sides.online, sides.till]
            elif decision.verdict == "write" and decision.target is not None:
                writes[decision.target][name] = decision.reason
        self._mark(pair, writes)
        for target, reasons in writes.items():
            self._update(pair, target, reasons)
        if pair.link is None or base != pair.link.base:
            self.made.agreed.append(Agreed(pair, base))

    def _decide(self, name: str, sides: Sides, pair: Pair) -> Decision:
        settings = self.world.settings
        if name in CONSENTS:
            decision = decide_consent(sides, settings.consents[name.removeprefix("consent_")].trusted)  # type: ignore[index]
        else:
            decision = decide(settings.owner_of(name), sides, timedelta(seconds=settings.clock_skew_seconds))
        if decision.target is None:
            return decision
        return decision if self._may_go(name, decision.target, pair) else NOTHING

    def _may_go(self, name: str, target: SystemName, pair: Pair) -> bool:
        may = self.world.settings.may_write(name, target) and name in self.world.terms[target].writes
        return may and self._may_be_told(name, pair)

    def _settled(self, name: str, sides: Sides, pair: Pair) -> Decision:
        """A conflict as a person settled it, if it is about these values and they may go there."""
        said = self.world.decided.winner(pair.online.subject, name, _about(pair, name, sides))
        if said is None or not self._may_go(name, other(said[0]), pair):
            return CONFLICT
        winner, by = said
        return Decision("write", other(winner), f"{_why(pair, name)}; {by} decided for {winner}")

    def _conflict(self, pair: Pair, name: str, sides: Sides) -> Finding:
        when = {
            one.system: one.modified_at.isoformat() if one.modified_at else None
            for one in (pair.online, pair.till)
        }
        known = pair.link is not None and name in pair.link.base
        told = "was changed on both sides" if known else "differs, and neither side was changed later"
        return finding(
            pair.online,
            "conflict",
            f"{name} {told}.",
            field=name,
            evidence={
                "commercetools": shown(sides.online),
                "lightspeed": shown(sides.till),
                "changed": when,
                "partner": pair.till.subject,
                "about": _about(pair, name, sides),
                "sides": [s for s, winner in WINNERS.items() if self._may_go(name, other(winner), pair)],
            },
        )

    def _may_be_told(self, name: str, pair: Pair) -> bool:
        """A field that is only for marketing flows while there is consent, and no longer."""
        return self.world.may_be_told(name, pair.online, pair.till)

    def _mark(self, pair: Pair, writes: dict[SystemName, dict[str, str]]) -> None:
        """Where neither side names the other one yet, one does, in a place for it that is empty: then they find each
        other even without the ledger. Who was created bears the key of its creation and needs no more."""
        if not self.world.settings.mark or pair.matched_by == CREATED_BY_US:
            return
        if pair.online.external_id == pair.till.id or pair.till.external_id == pair.online.id:
            return
        for target in SYSTEMS:
            if EXTERNAL_ID in self.world.terms[target].writes and not pair.of(target).identity.get(
                EXTERNAL_ID
            ):
                writes[target][EXTERNAL_ID] = "names its partner"
                return

    def _update(self, pair: Pair, target: SystemName, reasons: dict[str, str]) -> None:
        source, standing = pair.of(other(target)), pair.of(target)
        findings = check(source, reasons, self.world.settings)
        self._hold(findings)
        if any(one.severity in ("hold", "block") for one in findings):
            return
        left_out = {one.field for one in findings if one.severity == "drop field"}
        half, held = half_replaced(pair, source.system, set(reasons) - left_out)
        self._hold(held)
        fields = {name: reason for name, reason in reasons.items() if name not in left_out | half}
        if fields:
            self.made.changes.append(
                Planned(
                    "update",
                    target,
                    source,
                    standing,
                    before={name: standing.fields.get(name) for name in fields if name != EXTERNAL_ID},
                    after={
                        name: source.id if name == EXTERNAL_ID else source.fields.get(name) for name in fields
                    },
                    reasons=fields,
                )
            )

    # --- the dead and the new ---

    def _follow_deletions(self, pairing: Pairing) -> None:
        found = follow_deletions(self.world, pairing.widowed, self._looks_at)
        self.made.retired += found.retired
        self._hold(found.holds)
        self.made.changes += [
            Planned(
                one.action, one.target, one.gone, one.survivor, {}, {}, {"customer": one.reason}, one.erase
            )
            for one in found.removals
        ]

    def _create_missing(self, pairing: Pairing) -> None:
        busy = {one.subject for pair in pairing.pairs for one in (pair.online, pair.till)} | pairing.waiting
        busy |= {f"commercetools:{link.commercetools_id}" for link in pairing.widowed}
        busy |= {f"lightspeed:{link.lightspeed_id}" for link in pairing.widowed}
        for system in SYSTEMS:
            for person in self.world.living(system):
                if person.subject not in busy and self._looks_at(person):
                    self._create(person, other(system))

    def _create(self, person: Known, target: SystemName) -> None:
        try:
            wanted = wanted_of(self.world, person, target)
        except CreationRefused as refused:
            self._hold(refused.holds)
            if not refused.holds:
                self.made.status[person.subject] = ("ignored", refused.why)
            return
        self._hold(wanted.warnings)
        self.made.changes.append(Planned("create", target, person, None, {}, wanted.fields, wanted.reasons))

    # --- accounts ---

    def _looks_at(self, one: Known) -> bool:
        return one.id in self.world.affected[one.system]

    def _hold(self, findings: Iterable[Finding]) -> None:
        for one in findings:
            (self.made.holds if one.severity in ("hold", "block") else self.made.warnings).append(one)

    def _account(self) -> None:
        """What became of everybody this run looked at. Who is written, or held, on one side, is so with the
        partner."""
        planned = {s for one in self.made.changes for s in _subjects(one)}
        held = dict.fromkeys(waiting_records(self.made.holds), REMOVAL)
        for one in self.made.holds:
            held.setdefault(one.subject, one.code)
            if "partner" in one.evidence:
                held.setdefault(str(one.evidence["partner"]), one.code)
        linked = {agreed.pair.online.subject for agreed in self.made.agreed}
        linked |= {agreed.pair.till.subject for agreed in self.made.agreed}
        for system in SYSTEMS:
            for record in sorted(self.world.affected[system]):
                subject = f"{system}:{record}"
                if subject in planned:
                    self.made.status[subject] = ("planned", "")
                elif subject in held:
                    self.made.status[subject] = ("held", held[subject])
                elif subject not in self.made.status:
                    known = record in self.world.linked[system] or subject in linked
                    self.made.status[subject] = (
                        ("unchanged", "") if known else ("ignored", self._why_ignored(system, record))
                    )

    def _why_ignored(self, system: SystemName, record: str) -> str:
        one = self.world.known(system, record)
        if one is None or not one.lives:
            return "deleted"
        if not one.takes_part:
            return "belongs to another store"
        if one.subject in self.world.ruling.out:
            return "ruled out by a person"
        return "held with others"


def _subjects(one: Planned) -> list[str]:
    return [one.source.subject, *([one.standing.subject] if one.standing else [])]


def _sides(pair: Pair, name: str) -> Sides:
    found = pair.link.base.get(name) if pair.link else None
    base: Base | None = (found[0], found[1]) if found is not None else None
    # A flag that nobody has set is empty, not unknown: both sides have a place for it.
    unset = "" if column_of(name).type == "flag" and name not in CONSENTS else None
    return Sides(
        online=pair.online.fields.get(name, unset),
        till=pair.till.fields.get(name, unset),
        base=base,
        online_at=pair.online.modified_at,
        till_at=pair.till.modified_at,
        key=comparing(column_of(name)),
    )


def _is_our_own_no(name: str, sides: Sides, pair: Pair) -> bool:
    """Whether a no at the till is only how we made the profile: an earlier attempt that nobody could settle."""
    made_by_us = pair.link is None and pair.till.external_id == pair.online.id
    return name in CONSENTS and made_by_us and sides.online is None and sides.till is False


def _why(pair: Pair, name: str) -> str:
    return "changed on both sides" if pair.link is not None and name in pair.link.base else "first alignment"


def _about(pair: Pair, name: str, sides: Sides) -> str:
    """What a decision about this conflict is about. Private values are sealed."""
    base = None if sides.base is None else list(sides.base)
    return about_conflict(KIND, pair.ids, name, sides.online, sides.till, base)


def change_row(one: Planned, run_id: str) -> ChangeRow:
    """A planned write as an audit row."""
    return ChangeRow(
        id=new_id(),
        run_id=run_id,
        entity=ENTITY,
        kind=KIND,
        subject=one.source.subject,
        label=one.standing.label if one.standing else one.source.label,
        system=one.target,
        action=one.action,
        unit=one.unit,
        source_id=one.source.id,
        source_version=one.source.version,
        target_id=one.standing.id if one.standing else None,
        target_version=one.standing.version if one.standing else None,
        before=dict(one.before),
        after=dict(one.after),
        reasons={**one.reasons, **({"erase": "asked for"} if one.erase else {})},
        idempotency_key=creation_key(one.source),
    )


def creation_key(source: Known) -> str:
    """The name under which the twin of a customer is found again, whoever asks and how often."""
    return f"{CREATION_KEYS[other(source.system)]}{source.id}"
