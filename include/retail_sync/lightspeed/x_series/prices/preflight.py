"""What can be known before prices are read or written at the till: scopes, price books, taxes of outlets."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.references import read_facts
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.prices.price_books import Books, read_books
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.prices import PriceList

Results = Iterator[CheckResult]


async def check(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about prices; a scope that is missing ends the list."""
    if not settings.prices.synced:
        return []
    found: list[CheckResult] = []
    if any(one.in_book for one in settings.prices.synced):
        for path in ("/price_books", "/price_book_products", "/customer_groups"):
            try:
                await client.get(path, {"page_size": 1})
            except SyncError as problem:
                subject = f"scope {scope_of('GET', path)}" if problem.status == 403 else f"GET {path}"
                found.append(CheckResult("error", subject, problem.message, problem.remedy))
        if found:
            return found
        found.append(CheckResult("ok", "scopes", "price books can be read"))
    facts = await read_facts(client, settings)
    books = await read_books(client, facts, settings)
    for one in settings.prices.synced:
        found.extend(_list(one, books))
    found.extend(_outlet_taxes(facts, settings))
    return found


def _list(one: PriceList, books: Books) -> Results:
    subject = f"list {one.name}"
    if not one.in_book:
        yield CheckResult("ok", subject, "the articles' own prices at the till")
        return
    try:
        book = books.of(one)
        if book is not None:
            yield CheckResult("ok", subject, f"price book {book.name}")
        elif one.create_price_book and one.may_write(SYSTEM):
            made = books.new_book(one)
            yield CheckResult(
                "warning", subject, f"there is no price book {made.name}; the next run creates it"
            )
        else:
            yield CheckResult(
                "error",
                subject,
                "there is no such price book at the till",
                "Create it there, correct the list, or set create_price_book: true.",
            )
    except SyncError as fault:
        yield CheckResult("error", subject, fault.message, fault.remedy)


def _outlet_taxes(facts: StoreFacts, settings: SyncSettings) -> Results:
    """Default taxes of the outlets that count, where they differ: each has to be mapped, or their articles have no tax
    class. A default that all share is told of by the preflight of products."""
    if len(facts.taxation({}).ids) < 2:
        return
    mapped = {
        tax.id
        for one in settings.products.tax_classes
        if (tax := facts.tax_named(one.lightspeed)) is not None
    }
    for outlet in facts.outlets:
        default = facts.default_tax_of(outlet)
        if default is not None and default not in mapped:
            name = facts.taxes[default].name
            yield CheckResult(
                "warning",
                f"outlet {outlet.name}",
                f"its default tax {name} is not mapped",
                f"Add `- {{name: {name}, commercetools: <key of the tax category>, lightspeed: {name}}}` to "
                "products.tax_classes.",
            )
