"""What can be known before prices are read or written: scopes, and everything that lists name."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.projections import STANDALONE_PRICES
from retail_sync.commercetools.api.scopes import covers
from retail_sync.commercetools.prices.scopes import PriceReferences, read_price_references
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.prices import PriceList

Results = Iterator[CheckResult]
_CONFIG = "Correct the configuration file, then run preflight again."


async def check(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about prices; a scope that is missing or a project that can't be read ends the list."""
    if not settings.prices.synced:
        return [
            CheckResult(
                "ok", "prices.lists", "no list of prices has an owner, so no prices sync besides products"
            )
        ]
    try:
        granted = await client.granted_scopes()
    except SyncError as fault:
        return [CheckResult("error", "credentials", fault.message, fault.remedy)]
    found = [*_scopes(granted, client.connection.project_key, settings)]
    try:
        references = await read_price_references(client, settings)
    except SyncError as fault:
        return [*found, CheckResult("error", "prices.lists", fault.message, fault.remedy)]
    for one in settings.prices.synced:
        found += _list(one, references)
    found += _rates(references, settings)
    if settings.prices.standalone:
        try:
            await client.page(STANDALONE_PRICES, [("sort", "id asc")], 1)
        except SyncError as fault:
            found.append(CheckResult("error", "standalone prices", fault.message, fault.remedy))
        else:
            found.append(CheckResult("ok", "standalone prices", "can be read"))
    return found


def _scopes(granted: frozenset[str], project: str, settings: SyncSettings) -> Results:
    lists = settings.prices.synced
    writes = any(one.may_write("commercetools") for one in lists)
    needed = ["manage_products" if writes else "view_products"]
    if settings.prices.standalone:
        needed.append("manage_standalone_prices" if writes else "view_standalone_prices")
    if any(one.commercetools.store for one in lists):
        needed.append("view_stores")
    missing = [scope for scope in needed if not covers(granted, scope, project)]
    if any(one.commercetools.customer_group for one in lists) and not any(
        covers(granted, scope, project) for scope in ("view_customer_groups", "view_customers")
    ):
        missing.append("view_customer_groups")
    if f"manage_project:{project}" in granted or not missing:
        yield CheckResult("ok", "scopes", "prices can be read" + (" and written" if writes else ""))
        return
    yield CheckResult(
        "error",
        "scopes",
        f"missing for prices: {', '.join(missing)}",
        f"Give the API client {', '.join(f'{scope}:{project}' for scope in missing)} and put its new credentials into "
        "the connection; also check `scopes` there. Without standalone prices set `prices.standalone: false`.",
    )


def _list(one: PriceList, references: PriceReferences) -> Results:
    problems = references.problems(one.commercetools)
    for setting, sentence in problems:
        yield CheckResult("error", f"list {one.name}", f"commercetools.{setting}: {sentence}", _CONFIG)
    if not problems:
        place = one.commercetools
        parts = [place.currency, place.country, place.channel or place.store, place.customer_group]
        told = ", ".join(part for part in parts if part)
        yield CheckResult("ok", f"list {one.name}", f"prices online: {told}; owner {one.owner}")


def _rates(references: PriceReferences, settings: SyncSettings) -> Results:
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
                yield CheckResult(
                    "warning",
                    f"list {one.name}",
                    f"tax category {tax.commercetools} has no single rate for {country}: where tax has to be "
                    "converted its articles are held",
                    "Give the category a rate for that country, or give the list a country.",
                )
