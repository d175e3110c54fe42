"""What can be known before prices are read or written: scopes, and everything that lists name."""

from __future__ import annotations

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.projections import STANDALONE_PRICES
from retail_sync.commercetools.api.scopes import check_scopes, read_grant
from retail_sync.commercetools.prices.references import PriceReferences, read_price_references
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList

_CONFIG = "Correct the configuration file, then run preflight again."


@preflight
async def check(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """All findings about prices; a scope that is missing or a project that can't be read ends the list."""
    lists = settings.prices.synced
    if not lists:
        report.ok("prices.lists", "no list of prices has an owner, so no prices sync besides products")
        return
    writes = any(one.may_write("commercetools") for one in lists)
    check_scopes(
        report,
        await read_grant(report, client),
        _needed(settings, writes),
        ok="prices can be read" + (" and written" if writes else ""),
        missing_for="prices",
        or_else="Without standalone prices set `prices.standalone: false`.",
    )
    with report.faults_of("prices.lists", end=True):
        references = await read_price_references(client, settings)
    for one in lists:
        _list(report, one, references)
    _rates(report, references, settings)
    if settings.prices.standalone:
        asked = client.page(STANDALONE_PRICES, [("sort", "id asc")], 1)
        await report.probe("standalone prices", asked, "can be read")


def _needed(settings: SyncSettings, writes: bool) -> list[str | tuple[str, ...]]:
    lists = settings.prices.synced
    needed: list[str | tuple[str, ...]] = ["manage_products" if writes else "view_products"]
    if settings.prices.standalone:
        needed.append("manage_standalone_prices" if writes else "view_standalone_prices")
    if any(one.commercetools.store for one in lists):
        needed.append("view_stores")
    if any(one.commercetools.customer_group for one in lists):
        needed.append(("view_customer_groups", "view_customers"))
    return needed


def _list(report: PreflightReport, one: PriceList, references: PriceReferences) -> None:
    problems = references.problems(one.commercetools)
    for setting, sentence in problems:
        report.error(f"list {one.name}", f"commercetools.{setting}: {sentence}", _CONFIG)
    if not problems:
        place = one.commercetools
        parts = [place.currency, place.country, place.channel or place.store, place.customer_group]
        told = ", ".join(part for part in parts if part)
        report.ok(f"list {one.name}", f"prices online: {told}; owner {one.owner}")


def _rates(report: PreflightReport, references: PriceReferences, settings: SyncSettings) -> None:
    """Every mapped tax category has one rate for the country of each list. What is not mapped is told by the preflight
    of products."""
    terms = references.terms(settings.prices.synced)
    for tax in settings.products.tax_classes:
        category = references.tax_category(tax.commercetools)
        if category is None:
            continue
        for one in settings.prices.synced:
            term = terms.taxes[one.name][category.id]
            country = one.commercetools.country or "all its countries"
            if term.included is None or term.rate is None:
                report.warn(
                    f"list {one.name}",
                    f"tax category {tax.commercetools} has no single rate for {country}: where tax has to be "
                    "converted its articles are held",
                    "Give the category a rate for that country, or give the list a country.",
                )
