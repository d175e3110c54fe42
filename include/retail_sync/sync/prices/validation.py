"""Rules that keep a price back, before it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_sync.ledger.decisions import Decision
from retail_sync.records.ports.products import SystemName, other
from retail_sync.records.prices import Quote
from retail_sync.records.types import decimal_text, digest
from retail_sync.settings.models.prices import PriceSettings, PriceSeverity
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.prices.cases import Case
from retail_sync.sync.prices.conversion import without_tax
from retail_sync.sync.prices.deciding import Verdict
from retail_sync.sync.prices.feeds import KIND

JUMP = "price_jump"
"""Code of the hold that a person may approve or reject."""
REJECTED = "price_rejected"


@dataclass(frozen=True)
class Rules:
    """The rules of one configuration. `supply_currency`: of supply prices."""

    prices: PriceSettings
    supply_currency: str

    def check(self, case: Case, verdict: Verdict) -> list[Finding]:
        """Everything the rules have to say about what is to be done, in the order of the settings."""
        checks: tuple[Callable[[Case, Verdict], Iterator[Finding]], ...] = (
            self._missing,
            self._removed,
            self._sign,
            self._tiers,
            self._dates,
            self._exactness,
            self._jump,
            self._supply,
            self._direction,
        )
        return [finding for check in checks for finding in check(case, verdict)]

    # ------------------------------------------------------------ rules

    def _missing(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        """The till's own price has no price behind it."""
        if verdict.kind != "apart" or case.one.in_book:
            return
        elsewhere = case.variant.fields["elsewhere"]
        wanted = case.one.commercetools.currency
        if case.one.owner == "commercetools" and elsewhere and wanted not in elsewhere:
            yield from self._found(
                case,
                "price_currency",
                self.prices.rules.price_currency,
                f"{case.sku} has prices in {', '.join(elsewhere)} only, none in {wanted}.",
            )
            return
        yield from self._found(
            case,
            "price_missing",
            self.prices.rules.price_missing,
            f"{case.sku} has no price in the list {case.one.name} online; the till's own is left as it is.",
        )

    def _removed(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        if verdict.kind != "remove" or verdict.target is None:
            return
        if case.one.removals == "remove" and (case.one.in_book or verdict.target == "commercetools"):
            return
        source = other(verdict.target)
        why = (
            "an article at the till can't be without a price" if not case.one.in_book else "removals: report"
        )
        yield from self._found(
            case,
            "price_removed",
            self.prices.rules.price_removed,
            f"The price of {case.sku} was taken away in {source}; the one in {verdict.target} stays ({why}).",
        )

    def _sign(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        for quote in filter(None, (_source_quote(case, verdict),)):
            lowest = min(quote.amounts())
            told = f"{case.sku} costs {decimal_text(lowest)} in {other(_target(verdict))}."
            if lowest < 0:
                yield from self._found(case, "price_negative", self.prices.rules.price_negative, told)
            elif lowest == 0 or (verdict.quote is not None and min(verdict.quote.amounts()) == 0):
                yield from self._found(case, "price_zero", self.prices.rules.price_zero, told)

    def _tiers(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        if verdict.target is None:
            return
        problem = case.standing(other(verdict.target)).problem
        if problem:
            yield from self._found(
                case,
                "price_tiers",
                self.prices.rules.price_tiers,
                f"The quantity steps of {case.sku} can't be taken over: {problem}.",
            )

    def _dates(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        """Online prices of the place have other days than the book: they are neither taken over nor written beside."""
        if case.online.other_dates and verdict.kind in ("write", "remove", "apart", "agreed", "unreadable"):
            yield from self._found(
                case,
                "price_dates",
                self.prices.rules.price_dates,
                f"{case.sku} has prices for other days: {case.online.other_dates}.",
            )

    def _exactness(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        wanted = verdict.wanted
        if wanted is None or wanted.exact:
            return
        yield from self._found(
            case,
            "price_not_exact",
            self.prices.rules.price_not_exact,
            f"{decimal_text(wanted.meant)} would be {wanted.quote.shown} in {verdict.target}, which comes back as "
            f"{decimal_text(wanted.comes_back)}.",
            meant=decimal_text(wanted.meant),
            comes_back=decimal_text(wanted.comes_back),
        )

    def _jump(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        most = self.prices.most_change_percent
        new = _source_quote(case, verdict)
        if verdict.kind != "write" or most is None or new is None:
            return
        source = other(_target(verdict))
        old = case.agreed_quote(source)
        change = None if old is None else _largest_change(old, new)
        if old is None or change is None or change <= most or _is_expected(case, source, new):
            return
        about = about_jump(case, old, new)
        decision = case.decision
        if decision is not None and decision.code == JUMP and decision.about == about:
            yield from self._decided(case, decision)
            return
        yield from self._found(
            case,
            JUMP,
            self.prices.rules.price_jump,
            f"The price of {case.sku} went from {old.shown} to {new.shown} in {other(_target(verdict))}, "
            f"{change:.0f} %; more than {decimal_text(most)} % waits for a person.",
            about=about,
            before=old.plain,
            after=new.plain,
        )

    def _decided(self, case: Case, decision: Decision) -> Iterator[Finding]:
        if decision.verdict == "reject":
            yield from self._found(
                case,
                REJECTED,
                "hold",
                f"{decision.by} rejected this price of {case.sku}; it is not written.",
                about=decision.about,
            )

    def _supply(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        supply = case.article.fields["supply_price"]
        if verdict.kind != "write" or not supply or Decimal(supply) <= 0:
            return
        net = self._net_at_till(case, verdict)
        if net is None or case.till_side.read.currency != self.supply_currency or net >= Decimal(supply):
            return
        yield from self._found(
            case,
            "price_below_supply",
            self.prices.rules.price_below_supply,
            f"{case.sku} would be sold for {net:.2f} without tax, and costs the shop {supply}.",
        )

    def _net_at_till(self, case: Case, verdict: Verdict) -> Decimal | None:
        """The lowest price at the till without tax."""
        if verdict.target == "lightspeed":
            quote, side = verdict.quote, case.till_side.write
        else:
            quote, side = case.till.quote, case.till_side.read
        return None if quote is None else without_tax(min(quote.amounts()), side)

    def _direction(self, case: Case, verdict: Verdict) -> Iterator[Finding]:
        if verdict.kind not in ("write", "remove") or verdict.target is None:
            return
        if not case.one.may_write(verdict.target):
            yield from self._found(
                case,
                "price_direction",
                "hold",
                f"The price of {case.sku} changed in {other(verdict.target)}, and the list {case.one.name} does not "
                f"write to {verdict.target}.",
            )

    # ------------------------------------------------------------ findings

    def tax_unknown(self, case: Case) -> list[Finding]:
        """Tax would have to be converted, and can't be."""
        category = case.variant.fields["tax"]
        if case.online_side is None:
            why = (
                "no tax category" if not category else "a tax category without one kind of rate for the list"
            )
        elif case.till_side.tax_id is None:
            why = "taxes with different rates at the outlets of the list"
        else:
            why = "a tax without a single rate"
        return list(
            self._found(
                case,
                "price_tax_unknown",
                self.prices.rules.price_tax_unknown,
                f"{case.sku} has {why}, so its price in the list {case.one.name} can't be converted.",
            )
        )

    def conflict(self, case: Case) -> Finding:
        """Both sides moved, and nobody but a person can say which counts."""
        return self._finding(
            case,
            "conflict",
            "hold",
            f"The price of {case.sku} in the list {case.one.name} differs, and nothing says which counts.",
        )

    def altered(self, case: Case) -> Finding:
        """The target shows something else than it was sent."""
        sent = case.agreed.wanted if case.agreed else None
        return self._finding(
            case,
            "value_not_kept",
            "hold",
            f"{case.sku} was sent {sent.shown if sent else 'no price'}, and the target shows another price.",
        )

    def _found(
        self, case: Case, code: str, severity: PriceSeverity, message: str, **evidence: Any
    ) -> Iterator[Finding]:
        if severity != "off":
            yield self._finding(case, code, severity, message, **evidence)

    def _finding(
        self, case: Case, code: str, severity: PriceSeverity, message: str, **evidence: Any
    ) -> Finding:
        assert severity != "off"  # such a finding is none
        return Finding(
            kind=KIND,
            system="lightspeed",
            id=case.article.id,
            label=case.sku,
            code=code,
            severity=severity,
            message=message,
            field=case.one.name,
            evidence={
                "list": case.one.name,
                "owner": case.one.owner,
                "commercetools": _shown(case.online.quote),
                "lightspeed": _shown(case.till.quote) if not case.till.problem else case.till.problem,
                "variant": case.variant.id,
                **evidence,
            },
        )


def about_jump(case: Case, old: Quote, new: Quote) -> str:
    """What a decision on a jump is about: this article, this list, these two prices."""
    return digest({"list": case.one.name, "article": case.article.id, "from": old.plain, "to": new.plain})


def _target(verdict: Verdict) -> SystemName:
    assert verdict.target is not None  # asked for writes only
    return verdict.target


def _source_quote(case: Case, verdict: Verdict) -> Quote | None:
    """The price that goes over, as its own side has it."""
    if verdict.target is None or verdict.wanted is None:
        return None
    return case.standing(other(verdict.target)).quote


def _is_expected(case: Case, source: SystemName, new: Quote) -> bool:
    """Whether a price was agreed on once before, or was announced by its dates: it is no typing error."""
    return (case.agreed is not None and case.agreed.was_agreed(source, new)) or case.was_announced(source)


def _largest_change(old: Quote, new: Quote) -> Decimal | None:
    """By how much of the higher one the amounts of equal quantities differ at most, in percent: the same share up and
    down. None where there is nothing to compare."""
    before = {1: old.amount, **dict(old.tiers)}
    after = {1: new.amount, **dict(new.tiers)}
    shares = [
        abs(after[n] - before[n]) / max(after[n], before[n]) * 100
        for n in before
        if n in after and before[n] > 0
    ]
    return max(shares, default=None)


def _shown(quote: Quote | None) -> str:
    return quote.shown if quote else "none"
