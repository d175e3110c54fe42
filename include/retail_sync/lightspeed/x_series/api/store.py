"""What has to be known about a store to read its products: its tax mode and currency, its outlets, its taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from retail_sync.lightspeed.x_series.api.money import PriceRule, TaxSide
from retail_sync.lightspeed.x_series.api.wire import Outlet, Retailer, Tax
from retail_sync.records.currencies import iso_code
from retail_sync.records.identifiers import folded_key
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class Taxation:
    """The tax a product is sold with: the ids (one, unless outlets differ), their names, the rate if it is one."""

    ids: tuple[str, ...]
    name: str
    rate: Decimal | None


@dataclass(frozen=True)
class StoreFacts:
    """The store as `prepare` read it.

    `outlets` are those that count for the tax of a product: the configured locations, or all where none are
    configured. `overrides` holds product id -> outlet id -> tax id only in stores whose product rows do not show
    their `outlet_taxes`; None = the rows tell.
    """

    retailer: Retailer
    outlets: tuple[Outlet, ...]
    taxes: Mapping[str, Tax]
    overrides: Mapping[str, Mapping[str, str]] | None = None
    all_outlets: tuple[Outlet, ...] = ()
    _taxations: dict[frozenset[tuple[str, str]], Taxation] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def currency(self) -> str:
        return self.retailer.currency.code or next((o.currency for o in self.outlets if o.currency), "")

    def currency_in(self, settings: SyncSettings) -> str:
        """The store's currency as the configuration names it: one that is counted in whole units online has another
        name there."""
        named = settings.products.price.currency
        return named if iso_code(named) == self.currency else self.currency

    def price_rule(self, settings: SyncSettings) -> PriceRule:
        kept: TaxSide = "excluded" if self.retailer.tax_exclusive else "included"
        return PriceRule(
            kept=kept, canonical=settings.products.price.tax, currency=self.currency_in(settings)
        )

    def taxation(self, overrides: Mapping[str, str]) -> Taxation:
        """The tax of a product with these overrides (outlet id -> tax id); outlets without one use their default."""
        key = frozenset(overrides.items())
        if key not in self._taxations:
            ids = (overrides.get(outlet.id) or self.default_tax_of(outlet) for outlet in self.outlets)
            self._taxations[key] = self._taxation_of(dict.fromkeys(tax_id for tax_id in ids if tax_id))
        return self._taxations[key]

    def taxation_of_tax(self, tax_id: str) -> Taxation:
        return self._taxation_of([tax_id])

    def tax_named(self, name: str) -> Tax | None:
        """The live tax of that name, capitals and outer space aside."""
        wanted = same_name(name)
        return next(
            (t for t in self.taxes.values() if not t.deleted_at and same_name(t.name) == wanted), None
        )

    def overrides_of(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Outlet id -> tax id of a product row: what the row says, or what `/outlet_taxes` said.

        A row without `outlet_taxes` has none: the description shows them "only when non-empty".
        """
        told = row.get("outlet_taxes")
        if isinstance(told, list):
            return {
                str(entry["outlet_id"]): str(entry["tax_id"])
                for entry in told
                if isinstance(entry, Mapping) and entry.get("outlet_id") and entry.get("tax_id")
            }
        if self.overrides is None:
            return {}
        return dict(self.overrides.get(str(row.get("id")), {}))

    def default_tax_of(self, outlet: Outlet) -> str | None:
        if outlet.default_tax_id in self.taxes:
            return outlet.default_tax_id
        return next((tax.id for tax in self.taxes.values() if tax.is_default), None)

    def _taxation_of(self, ids: Iterable[str]) -> Taxation:
        known = tuple(sorted(ids))
        names = sorted({self.taxes[tax_id].name if tax_id in self.taxes else tax_id for tax_id in known})
        rates = {self.taxes[tax_id].rate if tax_id in self.taxes else None for tax_id in known}
        return Taxation(known, " + ".join(names), rates.pop() if len(rates) == 1 else None)


def outlets_that_count(outlets: Iterable[Outlet], settings: SyncSettings) -> tuple[Outlet, ...]:
    """The outlets of the configured locations; all live ones where no location is configured or none is found."""
    live = tuple(outlet for outlet in outlets if not outlet.deleted_at)
    configured = {same_name(location.outlet) for location in settings.locations}
    return tuple(outlet for outlet in live if same_name(outlet.name) in configured) or live


def same_name(name: str) -> str:
    """The form in which the till compares names: outer space and capitals do not count (inferred)."""
    return folded_key(name)


ALL_CUSTOMERS = "All Customers"
"""Name of the group that everybody is in (official examples; every store has it)."""
