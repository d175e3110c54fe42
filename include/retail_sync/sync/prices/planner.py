"""From cases to a plan: what to write, what to hold back, what was agreed on. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from retail_sync.ledger.rows import ChangeRow, Link, new_id
from retail_sync.records.ports.products import SystemName, other
from retail_sync.records.prices import Quote
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.prices.cases import Agreed, Case, Given, cases_of
from retail_sync.sync.prices.conversion import TaxUnknown
from retail_sync.sync.prices.deciding import Verdict, decide
from retail_sync.sync.prices.feeds import ENTITY, KIND
from retail_sync.sync.prices.validation import Rules

Status = Literal["planned", "held", "unchanged", "ignored"]
BOOK, OWN, ONLINE_PRICE = "price book", "own price", "online price"
"""Where a price is written to, among the reasons of its change."""
_RANK: dict[Status, int] = {"ignored": 0, "unchanged": 1, "held": 2, "planned": 3}


@dataclass(frozen=True)
class PricePlan:
    """`changes`: one a price. `agreed`: links with what both sides show now, as far as that is news. `retired`: links
    of pairs that are none any more. `status`: by till id of each article looked at. `unread`: by list, of how many
    articles the online price is not known, because they were last read before there was such a list."""

    changes: list[PlannedPrice]
    holds: list[Finding]
    warnings: list[Finding]
    agreed: list[tuple[Case, Agreed]]
    retired: list[str]
    status: Mapping[str, Status]
    unread: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedPrice:
    """One price that is to be written, made or taken away in `target`."""

    case: Case
    target: SystemName
    quote: Quote | None
    reason: str

    @property
    def action(self) -> Literal["create", "update", "remove"]:
        if self.quote is None:
            return "remove"
        there = self.case.standing(self.target)
        return "update" if there.quote is not None or there.problem else "create"

    @property
    def unit(self) -> str:
        return unit_of(self.target, self.case.one.name, self.case.article.id)


def unit_of(target: str, list_name: str, article_id: str) -> str:
    """Names one price of one system: what a change is known by when it is planned anew."""
    return f"{target}:{list_name}@{article_id}"


def plan_prices(given: Given) -> PricePlan:
    """The plan for every pair of `given`."""
    return _Planner(given).plan()


@dataclass
class _Planner:
    given: Given
    changes: list[PlannedPrice] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    agreed: list[tuple[Case, Agreed]] = field(default_factory=list)
    status: dict[str, Status] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def plan(self) -> PricePlan:
        settings = self.given.settings
        rules = Rules(settings.prices, self.given.terms.till.currency)
        skew = timedelta(seconds=settings.prices.clock_skew_seconds)
        for case in cases_of(self.given):
            self._take(case, rules, skew)
        self._spread_blocks()
        return PricePlan(
            self.changes,
            self.holds,
            self.warnings,
            self.agreed,
            _retired(self.given),
            self.status,
            self.unread,
        )

    def _take(self, case: Case, rules: Rules, skew: timedelta) -> None:
        try:
            verdict = decide(case, skew)
        except TaxUnknown:
            self._hold(case, rules.tax_unknown(case))
            return
        if verdict.kind == "unknown":
            if not case.online.known:
                self.unread[case.one.name] += 1
            self._note(case, "ignored")
            return
        if verdict.kind in ("conflict", "altered"):
            self._hold(case, [rules.conflict(case) if verdict.kind == "conflict" else rules.altered(case)])
            return
        findings = rules.check(case, verdict)
        if any(finding.severity != "warn" for finding in findings):
            self._hold(case, findings)
            return
        self.warnings += findings
        if verdict.kind in ("write", "remove") and verdict.target is not None and not _left(findings):
            self.changes.append(PlannedPrice(case, verdict.target, verdict.quote, verdict.reason))
            self._note(case, "planned")
        else:
            self._keep(case, verdict)
            self._note(case, "ignored" if verdict.kind == "apart" else "unchanged")

    def _hold(self, case: Case, findings: Iterable[Finding]) -> None:
        kept = list(findings)
        self.holds += [finding for finding in kept if finding.severity != "warn"]
        self.warnings += [finding for finding in kept if finding.severity == "warn"]
        self._note(case, "held" if any(finding.severity != "warn" for finding in kept) else "unchanged")

    def _keep(self, case: Case, verdict: Verdict) -> None:
        """What both sides show is what they agree on, where that is news."""
        if verdict.kind != "agreed" or verdict.target is None:
            return
        quotes = case.online.quote, case.till.quote
        if quotes == (None, None):
            return
        found = Agreed(*quotes, verdict.quote, kept=True).after(case.agreed)
        if found != case.agreed:
            self.agreed.append((case, found))

    def _note(self, case: Case, status: Status) -> None:
        known = self.status.get(case.article.id)
        if known is None or _RANK[known] < _RANK[status]:
            self.status[case.article.id] = status

    def _spread_blocks(self) -> None:
        """A block keeps back all prices of its article."""
        blocked = {finding.id for finding in self.holds if finding.severity == "block"}
        self.changes = [change for change in self.changes if change.case.article.id not in blocked]
        self.status |= dict.fromkeys(blocked, "held")


def _left(findings: Iterable[Finding]) -> bool:
    """Whether a warning means that nothing is done: there is nothing to take away that may be."""
    return any(finding.code == "price_removed" for finding in findings)


def _retired(given: Given) -> list[str]:
    """Links of pairs that are none any more, because products has linked them otherwise, or not at all."""
    pairs = set(given.pairs)
    return [
        link.id for link in given.links.values() if (link.commercetools_id, link.lightspeed_id) not in pairs
    ]


def change_row(planned: PlannedPrice, run_id: str) -> ChangeRow:
    """A planned price as an audit row. Amounts are as their place has them, with or without tax."""
    case, target = planned.case, planned.target
    there = case.standing(target).quote
    source: Any = case.variant if target == "lightspeed" else case.article
    record: Any = case.article if target == "lightspeed" else case.variant
    name = {"list": case.one.name}
    return ChangeRow(
        run_id=run_id,
        entity=ENTITY,
        kind=KIND,
        subject=case.subject,
        label=case.sku,
        system=target,
        action=planned.action,
        unit=planned.unit,
        source_id=source.id,
        source_version=source.version,
        target_id=record.id,
        target_version=record.version,
        before={**name, "price": there.plain if there else None},
        after={**name, "price": planned.quote.plain if planned.quote else None},
        reasons={
            "price": planned.reason,
            "place": ONLINE_PRICE if target == "commercetools" else BOOK if case.one.in_book else OWN,
            other(target): _shown(case.standing(other(target)).quote),
            target: _shown(there),
        },
    )


def _shown(quote: Quote | None) -> str:
    return quote.shown if quote else "none"


def link_of(case: Case, agreed: Agreed, run_id: str) -> Link:
    """A new link that holds what was agreed on."""
    return Link(
        id=new_id(),
        entity=ENTITY,
        kind=case.one.name,
        commercetools_id=case.variant.id,
        lightspeed_id=case.article.id,
        base=agreed.plain,
        matched_by="products",
        run_id=run_id,
    )


def by_article(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """Lines of price books by the article they are of; those that are gone are left out."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in entries:
        if row.deleted_at is None:
            found[str(row.parent_id)].append(row)
    return found
