"""What the tax categories of the configuration say, rate by rate, for comparing them with the taxes of the till."""

from __future__ import annotations

from retail_sync.commercetools.prices.scopes import PriceReferences
from retail_sync.records.ports.prices import TaxLine
from retail_sync.settings.models import SyncSettings


def tax_lines(references: PriceReferences, settings: SyncSettings) -> list[TaxLine]:
    """One line for each rate of each mapped category, in the countries of lists (all, where one names none)."""
    countries = {one.commercetools.country for one in settings.prices.synced}
    lines: list[TaxLine] = []
    for mapped in settings.products.tax_classes:
        category = references.tax_category(mapped.commercetools)
        for rate in (category.rates or ()) if category else ():
            if None in countries or rate.country in countries:
                lines.append(
                    TaxLine(
                        tax_class=mapped.name,
                        name=f"{mapped.commercetools}: {rate.name or rate.country}",
                        place="/".join(part for part in (rate.country, rate.state) if part),
                        rate=rate.amount,
                        parts=tuple(sub.amount for sub in rate.subRates or ()),
                        included=rate.includedInPrice,
                    )
                )
    return lines
