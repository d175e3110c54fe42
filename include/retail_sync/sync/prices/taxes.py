"""Whether both systems tax the same things the same way: for preflight, before any price is converted, and for every
run, since a rate can be changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.prices import TaxLine
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList
from retail_sync.sync.prices.feeds import Terms

Results = Iterator[CheckResult]


def compare_taxes(
    online: Sequence[TaxLine], till: Sequence[TaxLine], settings: SyncSettings, today: date
) -> list[CheckResult]:
    """A line for each tax class: the rates of both systems, their parts, and what to do where they differ; then what
    the sides of tax mean for each list, and the age of exchange rates."""
    found: list[CheckResult] = []
    for mapped in settings.products.tax_classes:
        theirs = [line for line in till if line.tax_class == mapped.name]
        ours = [line for line in online if line.tax_class == mapped.name]
        found += _class(mapped.name, ours, theirs)
    for one in settings.prices.synced:
        found += _list(one, online, till)
    found += _exchange(settings, today)
    return found


@dataclass(frozen=True)
class DifferingRate:
    """A tax class whose rates are not the same, in the list where they meet."""

    list_name: str
    tax_class: str
    online: Decimal
    till: Decimal

    def __str__(self) -> str:
        return (
            f"Tax class {self.tax_class}, list {self.list_name}: {_percent(self.online)} in commercetools, "
            f"{_percent(self.till)} at the till. Prices keep the side of tax their list is meant in; correct one of "
            "both rates, unless customers there do pay another tax."
        )


def differing_rates(terms: Terms, settings: SyncSettings) -> list[DifferingRate]:
    """The rates of mapped tax classes that differ in what this run read."""
    categories = {name: id for id, name in terms.online.categories.items()}
    taxes: dict[str, set[Decimal | None]] = {}
    for id, name in terms.till.tax_names.items():
        taxes.setdefault(name, set()).add(terms.till.rates.get(id))
    found = []
    for one in settings.prices.synced:
        online = terms.online.taxes.get(one.name, {})
        for mapped in settings.products.tax_classes:
            term = online.get(categories.get(mapped.commercetools, ""))
            rates = taxes.get(mapped.lightspeed, set())
            (theirs,) = rates if len(rates) == 1 else (None,)
            if term is not None and None not in (term.rate, theirs) and term.rate != theirs:
                found.append(
                    DifferingRate(one.name, mapped.name, Decimal(term.rate or 0), Decimal(theirs or 0))
                )
    return found


def _class(name: str, online: Sequence[TaxLine], till: Sequence[TaxLine]) -> Results:
    subject = f"tax class {name}"
    if not till:
        return  # told by the preflight of products
    rate = till[0].rate
    if not online:
        yield CheckResult(
            "warning",
            subject,
            f"its tax category has no rate for a country of any list; the till has {_percent(rate)}",
            "Add a rate to the tax category for the country of the list.",
        )
    for line in online:
        if rate is None or line.rate is None:
            continue
        if line.rate != rate:
            yield CheckResult(
                "warning",
                subject,
                f"{_percent(line.rate)} in commercetools ({line.place}), {_percent(rate)} at the till: prices keep the "
                "side of tax that their list is meant in, and differ on the other",
                "Correct one of both rates, unless customers there do pay another tax.",
            )
        elif _parts(line) != _parts(till[0]):
            yield CheckResult(
                "warning",
                subject,
                f"{_percent(rate)} is made of {_told(line.parts)} in commercetools ({line.place}), of "
                f"{_told(till[0].parts)} at the till; receipts show other parts",
                "Nothing for prices; correct the parts where receipts have to agree.",
            )
        else:
            yield CheckResult("ok", subject, f"{_percent(rate)} on both sides ({line.place})")


def _list(one: PriceList, online: Iterable[TaxLine], till: Iterable[TaxLine]) -> Results:
    country = one.commercetools.country
    ours = {line.included for line in online if country is None or line.place.split("/")[0] == country}
    theirs = {line.included for line in till}
    if len(ours) != 1 or len(theirs) != 1:
        return
    held = {True: "with tax", False: "without tax"}
    (mine,), (other,) = ours, theirs
    if mine is None or other is None:
        return
    if mine == other:
        yield CheckResult("ok", f"list {one.name}", f"exact: both sides {held[mine]}")
        return
    exact = one.rounding is not None or one.commercetools.high_precision_digits is not None
    yield CheckResult(
        "ok" if exact else "warning",
        f"list {one.name}",
        f"prices are {held[mine]} in commercetools and {held[other]} at the till: tax is converted",
        ""
        if exact
        else "Prices that do not come back are held; give the list a rounding, or set "
        "commercetools.high_precision_digits.",
    )


def _exchange(settings: SyncSettings, today: date) -> Results:
    oldest = today - timedelta(days=settings.prices.oldest_rate_days)
    for rate in settings.prices.exchange_rates:
        subject = f"exchange rate {rate.source} to {rate.target}"
        if rate.as_of < oldest:
            yield CheckResult(
                "warning",
                subject,
                f"{decimal_text(rate.rate)} of {rate.as_of} is old",
                "Put in today's rate.",
            )
        else:
            yield CheckResult("ok", subject, f"{decimal_text(rate.rate)} of {rate.as_of}")


def _parts(line: TaxLine) -> tuple[Decimal, ...]:
    return tuple(sorted(line.parts)) if len(line.parts) > 1 else ()


def _told(parts: Iterable[Decimal]) -> str:
    return " + ".join(map(_percent, sorted(parts))) or "one part"


def _percent(rate: Decimal | None) -> str:
    return "a rate that depends on the amount" if rate is None else f"{decimal_text(rate * 100)} %"
