"""What can be known before sales are read or written at the till: scopes, and every name the settings use."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.probes import Read, check_reads, search
from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.lightspeed.x_series.sales import feeds as sale_feed
from retail_sync.lightspeed.x_series.sales.references import (
    CUSTOMERS,
    PAYMENT_TYPES,
    REGISTERS,
    RETAILER,
    TAXES,
    USER,
    USERS,
    References,
    is_used,
    read_references,
)
from retail_sync.lightspeed.x_series.sales.store import (
    resolve,
    tax_names,
    tender_names,
    user_subject,
)
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.records.sales import SaleTerms
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.shop import Location

OUTLETS = "/outlets"


@preflight
async def check(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    """All findings about sales; a scope that is missing ends the list. Nothing is written: whether the token may write
    shows in its scopes only."""
    if not is_used(settings):
        return
    await check_reads(report, client, _reads(settings))
    report.ok("scopes", _scopes_told(settings))
    with report.faults_of("sales", end=True):
        references = await read_references(client, settings)
    terms, problems = resolve(references, settings)
    report.results += problems
    if settings.orders.exported:
        more = PreflightReport()
        _orders(more, references, terms, settings)
        told = {problem.subject for problem in problems}
        report.results += [result for result in more.results if result.subject not in told]
    _currencies(report, references, terms, settings)


def _reads(settings: SyncSettings) -> Iterator[Read]:
    """Nothing of sales and people is kept."""
    for path in (sale_feed.PATH, RETAILER, OUTLETS, REGISTERS, PAYMENT_TYPES, TAXES):
        yield Read(path, withhold=True)
    yield search("sales", withhold=True)
    orders = settings.orders
    if orders.exported:
        yield Read(USERS if orders.user else USER, withhold=True)
        if orders.service_skus:
            yield search("products", withhold=True)
        if orders.customers.guest:
            yield search("customers", withhold=True)
            yield Read(CUSTOMERS, withhold=True)


def _scopes_told(settings: SyncSettings) -> str:
    if not settings.orders.exported:
        return "sales can be read"
    return "sales can be read; to write them the token needs sales:write as well, which only a write shows"


def _orders(report: PreflightReport, found: References, terms: SaleTerms, settings: SyncSettings) -> None:
    _locations(report, settings)
    _registers(report, terms, settings)
    _tenders(report, terms, settings)
    _taxes(report, terms, settings)
    _user(report, found, settings)
    _articles(report, found, settings)
    if settings.orders.customers.guest:
        report.ok("guest customer", settings.orders.customers.guest)


def _locations(report: PreflightReport, settings: SyncSettings) -> None:
    """Every location whose orders are sold needs a register."""
    orders = settings.orders
    named = dict.fromkeys(
        name for name in (orders.location, *(place.location for place in orders.places)) if name
    )
    if not named:
        report.error(
            "location of orders",
            "No setting says where web orders are sold.",
            "Set `orders.location` to the location of all orders that no entry of `orders.places` fits.",
        )
    known = {location.name for location in settings.locations}
    for name in named:
        if name not in known:
            report.error(
                f"location {name}",
                f"There is no location {name!r}.",
                "Add it to `locations`, or correct `orders.location` and `orders.places`.",
            )
        elif name not in orders.registers:
            report.error(
                f"register of {name}",
                "No register is named for the web orders of this location.",
                f"Add `{name}: <name of the register>` to `orders.registers`.",
            )
    for location in settings.locations:
        if (
            orders.split == "by channel"
            and location.channel
            and location.name not in {*named, *orders.registers}
        ):
            report.warn(
                f"register of {location.name}",
                f"Orders that the channel {location.channel} serves are sold here, and no register is named for them.",
                f"Add `{location.name}: <name of the register>` to `orders.registers`, or set `orders.split` to "
                "`never`.",
            )


def _registers(report: PreflightReport, terms: SaleTerms, settings: SyncSettings) -> None:
    for location, name in settings.orders.registers.items():
        register = terms.registers.get(name)
        if register is None:
            continue
        if register.is_open:
            report.ok(f"register of {location}", f"{register.name}, open")
        else:
            report.warn(
                f"register of {location}",
                f"The register {register.name} is closed: its orders wait until it is open.",
                "Open it at the till. One that nobody closes suits web orders best.",
            )


def _tenders(report: PreflightReport, terms: SaleTerms, settings: SyncSettings) -> None:
    for name in tender_names(settings):
        if name in terms.payment_types:
            report.ok(f"payment type {name}", name)
    if not settings.orders.tenders:
        report.warn(
            "payment types",
            "No way of paying is mapped: orders that were paid are held.",
            "Map the ways of paying to payment types of the till in `orders.tenders`.",
        )


def _taxes(report: PreflightReport, terms: SaleTerms, settings: SyncSettings) -> None:
    for name in tax_names(settings):
        tax = terms.taxes.get(name)
        if tax is None:
            continue
        rates = sorted({one.rate for one in settings.orders.taxes if one.tax == name})
        if any(rate != tax.rate for rate in rates):
            wanted = ", ".join(_percent(rate) for rate in rates)
            report.warn(
                f"tax {name}",
                f"Orders taxed at {wanted} are sold with it, but the till taxes at {_percent(tax.rate)}.",
                "Correct the rate in `orders.taxes`, or the tax at the till.",
            )
        else:
            report.ok(f"tax {name}", _percent(tax.rate))


def _user(report: PreflightReport, found: References, settings: SyncSettings) -> None:
    subject = user_subject(settings)
    user = next(iter(found.users), None)
    if user is not None and user.enabled is False:
        report.warn(
            subject,
            "This user is disabled at the till.",
            "Enable the user there, or name another one in `orders.user`.",
        )
    else:
        report.ok(subject, "sells web orders")


def _articles(report: PreflightReport, found: References, settings: SyncSettings) -> None:
    for sku in sorted(settings.orders.service_skus):
        if any(article.has_inventory for article in found.articles.get(sku, ())):
            report.warn(
                f"article {sku}",
                "The till counts stock of it, which falls with every order.",
                "Turn inventory tracking off for it at the till.",
            )
        else:
            report.ok(f"article {sku}", "does not count stock")


def _currencies(report: PreflightReport, found: References, terms: SaleTerms, settings: SyncSettings) -> None:
    if not terms.currency:
        report.error(
            "currency of sales",
            "The store does not say in which currency it sells.",
            "Give the token the scopes retailer:read and payment_types:read.",
        )
        return
    odd = [
        (location, currency)
        for location in settings.locations
        if (currency := _currency_of(location, found)) and currency != terms.currency
    ]
    for location, currency in odd:
        report.error(
            f"currency of {location.name}",
            f"Its outlet sells in {currency}, the store in {terms.currency}.",
            "Take the location out of `orders` and `sales`: amounts of two currencies can't be told apart.",
        )
    if not odd:
        report.ok("currency of sales", f"{terms.currency}, {terms.digits} digits")


def _currency_of(location: Location, found: References) -> str | None:
    outlet = next((one for one in found.outlets if same_name(one.name) == same_name(location.outlet)), None)
    return outlet.currency if outlet else None


def _percent(rate: Decimal) -> str:
    return f"{decimal_text(rate * 100)} %"
