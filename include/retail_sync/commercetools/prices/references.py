"""Where the prices of each list are in a project: the lists of the configuration with ids for names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.price_drafts import tax_rule
from retail_sync.commercetools.api.queries import one_of
from retail_sync.commercetools.api.references import W, read_all, read_project, tax_category_named
from retail_sync.commercetools.api.wire import Channel, CustomerGroup, Price, Project, Store, TaxCategory
from retail_sync.records.currencies import iso_code
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.prices import TaxLine
from retail_sync.records.prices import OnlineTerms, TaxTerm
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import OnlinePlace, PriceList

DISTRIBUTION = "ProductDistribution"
"""Role a channel must have to be named in a price."""
_CONFIG = "Correct `prices.lists` in the configuration file, then run preflight again."


@dataclass(frozen=True)
class ListScope:
    """The scope of one list: a price belongs to it if it has just this currency, country, channel and customer group.
    `falls_back`: a price for all countries counts for articles without one of their own country."""

    name: str
    currency: str
    country: str | None
    channel_id: str | None
    group_id: str | None
    falls_back: bool

    def holds(self, price: Price) -> bool:
        """Whether the price is in the place of the list. Prices of recurring orders are in none."""
        return (
            price.value.currencyCode == self.currency
            and price.recurrencePolicy is None
            and (price.country == self.country or (self.falls_back and price.country is None))
            and (price.channel.id if price.channel else None) == self.channel_id
            and (price.customerGroup.id if price.customerGroup else None) == self.group_id
        )


@dataclass(frozen=True)
class PriceReferences:
    """What the lists name, as far as it exists; by key. `tax_categories` by id."""

    project: Project
    tax_categories: Mapping[str, TaxCategory]
    channels: Mapping[str, Channel]
    stores: Mapping[str, Store]
    groups: Mapping[str, CustomerGroup]

    def tax_category(self, key_or_name: str) -> TaxCategory | None:
        return tax_category_named(self.tax_categories.values(), key_or_name)

    def problems(self, place: OnlinePlace) -> list[tuple[str, str]]:
        """What stands in the way of a list: (setting, sentence)."""
        found: list[tuple[str, str]] = []
        if not {place.currency, iso_code(place.currency)} & set(self.project.currencies):
            found.append(("currency", f"{place.currency} is no currency of the project"))
        if place.country and place.country not in self.project.countries:
            found.append(("country", f"{place.country} is no country of the project"))
        if place.channel and (problem := self._channel_problem(place.channel)):
            found.append(("channel", problem))
        if place.store and (problem := self._store_problem(place.store)):
            found.append(("store", problem))
        if place.customer_group and place.customer_group not in self.groups:
            found.append(("customer_group", f"there is no customer group {place.customer_group}"))
        return found

    def _channel_problem(self, key: str) -> str:
        channel = self.channels.get(key)
        if channel is None:
            return f"there is no channel {key}"
        return "" if DISTRIBUTION in (channel.roles or ()) else f"channel {key} has no role {DISTRIBUTION}"

    def _store_problem(self, key: str) -> str:
        store = self.stores.get(key)
        if store is None:
            return f"there is no store {key}"
        count = len(store.distributionChannels or ())
        return "" if count == 1 else f"store {key} has {count} distribution channels; name one in `channel`"

    def scope(self, one: PriceList) -> ListScope:
        """Raises ConfigurationFault where the list names something that is not there."""
        place = one.commercetools
        problems = self.problems(place)
        if problems:
            told = "; ".join(sentence for _, sentence in problems)
            raise ConfigurationFault(
                f"The list {one.name!r} can't be found in commercetools: {told}.",
                system=SYSTEM,
                remedy=_CONFIG,
            )
        channel = self.channels[place.channel].id if place.channel else None
        if place.store:
            channel = next(one.id for one in self.stores[place.store].distributionChannels or ())
        return ListScope(
            name=one.name,
            currency=place.currency,
            country=place.country,
            channel_id=channel,
            group_id=self.groups[place.customer_group].id if place.customer_group else None,
            falls_back=place.country is not None and one.owner == "commercetools",
        )

    def terms(self, lists: Iterable[PriceList]) -> OnlineTerms:
        """How tax relates to the prices of each list, by tax category."""
        return OnlineTerms(
            taxes={
                one.name: {
                    id: _term(category, one.commercetools.country)
                    for id, category in self.tax_categories.items()
                }
                for one in lists
            },
            categories={id: category.key or category.name for id, category in self.tax_categories.items()},
        )

    def tax_lines(self, settings: SyncSettings) -> list[TaxLine]:
        """What the mapped tax categories say: one line for each rate of each, in the
        countries of lists (all, where one names none)."""
        countries = {one.commercetools.country for one in settings.prices.synced}
        lines: list[TaxLine] = []
        for mapped in settings.products.tax_classes:
            category = self.tax_category(mapped.commercetools)
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


def _term(category: TaxCategory, country: str | None) -> TaxTerm:
    rule = tax_rule(category, country)
    return TaxTerm(None, None) if rule is None else TaxTerm(rule.share, rule.included)


async def read_price_references(client: CommercetoolsClient, settings: SyncSettings) -> PriceReferences:
    """One request for each small collection; channels, stores and groups only where a list names some."""
    places = [one.commercetools for one in settings.prices.synced]
    project, taxes, channels, stores, groups = await asyncio.gather(
        read_project(client),
        read_all(client, TaxCategory),
        _named(client, Channel, (place.channel for place in places)),
        _named(client, Store, (place.store for place in places)),
        _named(client, CustomerGroup, (place.customer_group for place in places)),
    )
    return PriceReferences(
        project=project,
        tax_categories={one.id: one for one in taxes},
        channels={one.key: one for one in channels},
        stores={one.key: one for one in stores},
        groups={one.key: one for one in groups if one.key},
    )


async def _named(client: CommercetoolsClient, model: type[W], keys: Iterable[str | None]) -> list[W]:
    wanted = sorted({key for key in keys if key})
    return await read_all(client, model, wanted=bool(wanted), where=[one_of("key", wanted)])
