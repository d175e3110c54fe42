"""What the taxes of the configuration say at the till, for comparing them with the tax categories online."""

from __future__ import annotations

from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.records.ports.prices import TaxLine
from retail_sync.settings.models import SyncSettings


def tax_lines(facts: StoreFacts, settings: SyncSettings) -> list[TaxLine]:
    """One line for each mapped tax; a group of taxes with its parts."""
    lines: list[TaxLine] = []
    for mapped in settings.products.tax_classes:
        tax = facts.tax_named(mapped.lightspeed)
        if tax is not None:
            lines.append(
                TaxLine(
                    tax_class=mapped.name,
                    name=tax.name,
                    place="",
                    rate=tax.rate,
                    parts=tuple(rate.rate for rate in tax.rates) if len(tax.rates) > 1 else (),
                    included=not facts.retailer.tax_exclusive,
                )
            )
    return lines
