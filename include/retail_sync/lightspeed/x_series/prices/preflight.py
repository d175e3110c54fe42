"""What can be known before prices are read or written at the till: scopes, price books, taxes of outlets."""

from __future__ import annotations

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.probes import Read, check_reads
from retail_sync.lightspeed.x_series.api.references import read_facts
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.prices.price_books import Books, read_books
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList

READS = ("/price_books", "/price_book_products", "/customer_groups")


@preflight
async def check(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    """All findings about prices; a scope that is missing ends the list."""
    lists = settings.prices.synced
    if not lists:
        return
    if any(one.in_book for one in lists):
        await check_reads(report, client, map(Read, READS))
        report.ok("scopes", "price books can be read")
    facts = await read_facts(client, settings)
    books = await read_books(client, facts, settings)
    for one in lists:
        with report.faults_of(f"list {one.name}"):
            _list(report, one, books)
    _outlet_taxes(report, facts, settings)


def _list(report: PreflightReport, one: PriceList, books: Books) -> None:
    subject = f"list {one.name}"
    if not one.in_book:
        report.ok(subject, "the articles' own prices at the till")
        return
    book = books.of(one)
    if book is not None:
        report.ok(subject, f"price book {book.name}")
    elif one.create_price_book and one.may_write(SYSTEM):
        made = books.new_book(one)
        report.warn(subject, f"there is no price book {made.name}; the next run creates it")
    else:
        report.error(
            subject,
            "there is no such price book at the till",
            "Create it there, correct the list, or set create_price_book: true.",
        )


def _outlet_taxes(report: PreflightReport, facts: StoreFacts, settings: SyncSettings) -> None:
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
            report.warn(
                f"outlet {outlet.name}",
                f"its default tax {name} is not mapped",
                f"Add `- {{name: {name}, commercetools: <key of the tax category>, lightspeed: {name}}}` to "
                "products.tax_classes.",
            )
