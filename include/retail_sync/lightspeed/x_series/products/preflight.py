"""Is this store ready: reachable, readable, in the mode and with the names the configuration speaks of?"""

from __future__ import annotations

from retail_sync.lightspeed.x_series.api.capabilities import MOST_OPTIONS
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.probes import Read, check_reads
from retail_sync.lightspeed.x_series.api.product_members import PLACES
from retail_sync.lightspeed.x_series.api.references import read_facts
from retail_sync.lightspeed.x_series.api.store import StoreFacts, same_name
from retail_sync.lightspeed.x_series.products.fields import unknown_places
from retail_sync.lightspeed.x_series.products.requests_2026_07 import ADD_VARIANT_PATH
from retail_sync.records.currencies import iso_code
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import SyncSettings

READS = (
    "/retailer",
    "/outlets",
    "/taxes",
    "/outlet_taxes",
    "/products",
    "/brands",
    "/tags",
    "/suppliers",
    "/product_categories",
    "/variant_attributes",
)
"""Everything the products entity reads; each may need a scope of its own."""


@preflight
async def check(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    """All findings, the connection first. Nothing is written: whether the token may write shows in its scopes only."""
    limit = await check_reads(report, client, map(Read, READS), connection="connection")
    budget = f"{limit} requests in 5 minutes" if limit else "the store does not tell its request limit"
    report.ok("connection", f"{client.connection.host}, API {client.connection.api_version}")
    report.ok("scopes", "everything that is read can be read")
    report.ok("request budget", budget)
    facts = await read_facts(client, settings)
    _store(report, facts, client)
    _money(report, facts, settings)
    _taxes(report, facts, settings)
    _locations(report, facts, settings)
    _fields(report, settings)
    await _added_variants(report, client)


async def _added_variants(report: PreflightReport, client: XSeriesClient) -> None:
    """Whether variants can be added to products that are there. The address is the only one of its version and has no
    way to be read, so it is asked with a product that says nothing, which can't be made (inferred: 422). Any answer but
    "no such address" shows that it is there."""
    try:
        await client.ask(ADD_VARIANT_PATH, {})
    except SyncError as fault:
        if isinstance(fault, ConfigurationFault) and fault.status == 404:
            report.warn(
                "added variants",
                f"The store does not offer POST {ADD_VARIANT_PATH}: a variant that is added online to a product "
                "that the till has already is held.",
                "Add such variants at the till; they are linked by their SKUs.",
            )
            return
    report.ok("added variants", "variants can be added to products")


def _store(report: PreflightReport, facts: StoreFacts, client: XSeriesClient) -> None:
    prefix = facts.retailer.domain_prefix
    host = client.connection.host
    if prefix and host.endswith(".retail.lightspeed.app") and not host.startswith(f"{prefix}."):
        report.warn(
            "store",
            f"The store calls itself {prefix}, the connection says {host}.",
            "Make sure that this is the right store.",
        )
    else:
        report.ok("store", facts.retailer.name or prefix or host)


def _money(report: PreflightReport, facts: StoreFacts, settings: SyncSettings) -> None:
    price = settings.products.price
    if facts.currency != iso_code(price.currency):
        report.error(
            "currency",
            f"The store sells in {facts.currency or 'an unknown currency'}, the configuration says {price.currency}.",
            "Set `products.price.currency` to the store's currency.",
        )
    else:
        report.ok("currency", facts.currency)
    rule = facts.price_rule(settings)
    if rule.converts:
        report.warn(
            "price",
            f"The store keeps prices with tax {rule.kept}, the configuration compares them with tax {rule.canonical}: "
            "they are converted at the tax rate and rounded to the smallest unit.",
            f"Set `products.price.tax` to `{rule.kept}` where the other shop's prices hold the tax the same way.",
        )
    else:
        report.ok("price", f"exact: both sides with tax {rule.kept}")


def _taxes(report: PreflightReport, facts: StoreFacts, settings: SyncSettings) -> None:
    names = ", ".join(sorted(tax.name for tax in facts.taxes.values() if not tax.deleted_at))
    mapped: set[str] = set()
    for tax_class in settings.products.tax_classes:
        tax = facts.tax_named(tax_class.lightspeed)
        if tax is None:
            report.error(
                f"tax class {tax_class.name}",
                f"There is no tax {tax_class.lightspeed!r}; the store has {names}.",
                "Correct `products.tax_classes` or create the tax at the till.",
            )
            continue
        mapped.add(tax.id)
        if tax.rate is None:
            report.warn(
                f"tax class {tax_class.name}",
                f"{tax.name} depends on the amount, so prices can't be converted with it.",
                "Compare prices on the side the store keeps.",
            )
        else:
            report.ok(f"tax class {tax_class.name}", f"{tax.name}, {decimal_text(tax.rate * 100)} %")
    _default_taxes(report, facts, mapped)


def _default_taxes(report: PreflightReport, facts: StoreFacts, mapped: set[str]) -> None:
    default = facts.taxation({})
    if len(default.ids) > 1:
        report.warn(
            "default taxes",
            f"The outlets have different default taxes ({default.name}): products without a tax of their own have no "
            "single tax class.",
            "Give such products a tax of their own, or map that pair in `products.tax_classes`.",
        )
    elif default.ids and default.ids[0] not in mapped:
        report.warn(
            "default taxes",
            f"The default tax {default.name} is not mapped: products that use it are kept back.",
            "Add it to `products.tax_classes`.",
        )


def _locations(report: PreflightReport, facts: StoreFacts, settings: SyncSettings) -> None:
    outlets = {same_name(outlet.name): outlet.name for outlet in facts.all_outlets}
    for location in settings.locations:
        if same_name(location.outlet) in outlets:
            report.ok(f"location {location.name}", f"outlet {outlets[same_name(location.outlet)]}")
        else:
            report.error(
                f"location {location.name}",
                f"There is no outlet {location.outlet!r}; the store has {', '.join(sorted(outlets.values()))}.",
                "Correct `locations` in the configuration.",
            )


def _fields(report: PreflightReport, settings: SyncSettings) -> None:
    for field, place in unknown_places(settings).items():
        report.error(
            f"field {field}",
            f"Lightspeed has no place {place!r} for it.",
            f"Use one of {', '.join(sorted(PLACES))}.",
        )
    if len(settings.products.options) > MOST_OPTIONS:
        report.warn(
            "options",
            f"{len(settings.products.options)} options are configured; a product with more than {MOST_OPTIONS} of them "
            "can't be created at the till.",
            "Leave out those that never occur together, or keep such products online.",
        )
