"""What can be known before sales are read or written at the till: scopes, and every name the settings use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.lightspeed.x_series.sales import feeds as sale_feed
from retail_sync.lightspeed.x_series.sales.references import (
    CUSTOMERS,
    PAYMENT_TYPES,
    REGISTERS,
    RETAILER,
    SEARCH,
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
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.records.sales import SaleTerms
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import Location, SyncSettings
from retail_sync.transport.client import Value

OUTLETS = "/outlets"
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nobody has: a search is tried without finding anything."""
Results = Iterator[CheckResult]


async def check(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about sales; a scope that is missing ends the list. Nothing is written: whether the token may write
    shows in its scopes only."""
    if not is_used(settings):
        return []
    refused = await _scopes(client, settings)
    if refused:
        return refused
    found = [CheckResult("ok", "scopes", _scopes_told(settings))]
    try:
        references = await read_references(client, settings)
    except SyncError as problem:
        return [*found, CheckResult("error", "sales", problem.message, problem.remedy)]
    terms, problems = resolve(references, settings)
    found += [CheckResult("error", one.subject, one.finding, one.remedy) for one in problems]
    if settings.orders.exported:
        subjects = {problem.subject for problem in problems}
        found += [one for one in _orders(references, terms, settings) if one.subject not in subjects]
    found += _currencies(references, terms, settings)
    return found


async def _scopes(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    """What the token may not read. Nothing of sales and people is kept."""
    refused = []
    for path, query in _reads(settings):
        try:
            await client.get(path, query, withhold=True)
        except SyncError as problem:
            scope = _scope(path, query)
            subject = f"scope {scope}" if problem.status == 403 else f"GET {path}"
            refused.append(CheckResult("error", subject, problem.message, problem.remedy))
    return refused


def _reads(settings: SyncSettings) -> Iterator[tuple[str, Mapping[str, Value]]]:
    for path in (sale_feed.PATH, RETAILER, OUTLETS, REGISTERS, PAYMENT_TYPES, TAXES):
        yield path, {"page_size": 1}
    yield SEARCH, {"type": "sales", "_id": NOBODY, "page_size": 1}
    orders = settings.orders
    if orders.exported:
        yield (USERS if orders.user else USER), {"page_size": 1}
        if orders.service_skus:
            yield SEARCH, {"type": "products", "_id": NOBODY, "page_size": 1}
        if orders.customers.guest:
            yield SEARCH, {"type": "customers", "_id": NOBODY, "page_size": 1}
            yield CUSTOMERS, {"page_size": 1}


def _scope(path: str, query: Mapping[str, Value]) -> str:
    return f"{query['type']}:read" if path == SEARCH else scope_of("GET", path)


def _scopes_told(settings: SyncSettings) -> str:
    if not settings.orders.exported:
        return "sales can be read"
    return "sales can be read; to write them the token needs sales:write as well, which only a write shows"


def _orders(found: References, terms: SaleTerms, settings: SyncSettings) -> Results:
    yield from _locations(settings)
    yield from _registers(terms, settings)
    yield from _tenders(terms, settings)
    yield from _taxes(terms, settings)
    yield _user(found, settings)
    yield from _articles(found, settings)
    if settings.orders.customers.guest:
        yield CheckResult("ok", "guest customer", settings.orders.customers.guest)


def _locations(settings: SyncSettings) -> Results:
    """Every location whose orders are sold needs a register."""
    orders = settings.orders
    named = dict.fromkeys(
        name for name in (orders.location, *(place.location for place in orders.places)) if name
    )
    if not named:
        yield CheckResult(
            "error",
            "location of orders",
            "No setting says where web orders are sold.",
            "Set `orders.location` to the location of all orders that no entry of `orders.places` fits.",
        )
    known = {location.name for location in settings.locations}
    for name in named:
        if name not in known:
            yield CheckResult(
                "error",
                f"location {name}",
                f"There is no location {name!r}.",
                "Add it to `locations`, or correct `orders.location` and `orders.places`.",
            )
        elif name not in orders.registers:
            yield CheckResult(
                "error",
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
            yield CheckResult(
                "warning",
                f"register of {location.name}",
                f"Orders that the channel {location.channel} serves are sold here, and no register is named for them.",
                f"Add `{location.name}: <name of the register>` to `orders.registers`, or set `orders.split` to "
                "`never`.",
            )


def _registers(terms: SaleTerms, settings: SyncSettings) -> Results:
    for location, name in settings.orders.registers.items():
        register = terms.registers.get(name)
        if register is None:
            continue
        if register.is_open:
            yield CheckResult("ok", f"register of {location}", f"{register.name}, open")
        else:
            yield CheckResult(
                "warning",
                f"register of {location}",
                f"The register {register.name} is closed: its orders wait until it is open.",
                "Open it at the till. One that nobody closes suits web orders best.",
            )


def _tenders(terms: SaleTerms, settings: SyncSettings) -> Results:
    for name in tender_names(settings):
        if name in terms.payment_types:
            yield CheckResult("ok", f"payment type {name}", name)
    if not settings.orders.tenders:
        yield CheckResult(
            "warning",
            "payment types",
            "No way of paying is mapped: orders that were paid are held.",
            "Map the ways of paying to payment types of the till in `orders.tenders`.",
        )


def _taxes(terms: SaleTerms, settings: SyncSettings) -> Results:
    for name in tax_names(settings):
        tax = terms.taxes.get(name)
        if tax is None:
            continue
        rates = sorted({one.rate for one in settings.orders.taxes if one.tax == name})
        if any(rate != tax.rate for rate in rates):
            wanted = ", ".join(_percent(rate) for rate in rates)
            yield CheckResult(
                "warning",
                f"tax {name}",
                f"Orders taxed at {wanted} are sold with it, but the till taxes at {_percent(tax.rate)}.",
                "Correct the rate in `orders.taxes`, or the tax at the till.",
            )
        else:
            yield CheckResult("ok", f"tax {name}", _percent(tax.rate))


def _user(found: References, settings: SyncSettings) -> CheckResult:
    subject = user_subject(settings)
    user = next(iter(found.users), None)
    if user is not None and user.enabled is False:
        return CheckResult(
            "warning",
            subject,
            "This user is disabled at the till.",
            "Enable the user there, or name another one in `orders.user`.",
        )
    return CheckResult("ok", subject, "sells web orders")


def _articles(found: References, settings: SyncSettings) -> Results:
    for sku in sorted(settings.orders.service_skus):
        if any(article.has_inventory for article in found.articles.get(sku, ())):
            yield CheckResult(
                "warning",
                f"article {sku}",
                "The till counts stock of it, which falls with every order.",
                "Turn inventory tracking off for it at the till.",
            )
        else:
            yield CheckResult("ok", f"article {sku}", "does not count stock")


def _currencies(found: References, terms: SaleTerms, settings: SyncSettings) -> Results:
    if not terms.currency:
        yield CheckResult(
            "error",
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
        yield CheckResult(
            "error",
            f"currency of {location.name}",
            f"Its outlet sells in {currency}, the store in {terms.currency}.",
            "Take the location out of `orders` and `sales`: amounts of two currencies can't be told apart.",
        )
    if not odd:
        yield CheckResult("ok", "currency of sales", f"{terms.currency}, {terms.digits} digits")


def _currency_of(location: Location, found: References) -> str | None:
    outlet = next((one for one in found.outlets if same_name(one.name) == same_name(location.outlet)), None)
    return outlet.currency if outlet else None


def _percent(rate: Decimal) -> str:
    return f"{decimal_text(rate * 100)} %"
