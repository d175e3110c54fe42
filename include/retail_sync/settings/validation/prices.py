"""Prices: two lists for one place, unknown locations, missing exchange rates."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from retail_sync.records.currencies import iso_code
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList
from retail_sync.settings.validation.findings import Findings, repeated


def check_prices(settings: SyncSettings, found: Findings) -> None:
    """Every list has its own name and its own places; its currency can be had at the till; and the till's own price is
    written by one DAG only."""
    lists = settings.prices.lists
    for position, name in repeated([one.name for one in lists]):
        found.add(
            ("prices", "lists", position, "name"),
            f"{name!r} is used by two lists.",
            "Give each list its own name.",
        )
    for position, one in enumerate(lists):
        here = found.within("prices", "lists", position)
        _places(lists[:position], one, here)
        _locations(settings, one, here)
        _currency(settings, one, here)
        if one.markup_percent and one.rounding is None:
            _needs_rounding("A price with a markup hardly ever comes out exactly.", here)
    based = next((one for one in settings.prices.synced if one.lightspeed.base), None)
    if based is not None and settings.products.price.owner != "none":
        found.add(
            ("products", "price", "owner"),
            f"The list {based.name!r} of `prices` has the till's own price, and so has this setting.",
            "Set products.price.owner to `none`: new articles still get it as their first price.",
        )


def _needs_rounding(why: str, found: Findings) -> None:
    found.add("rounding", why, "Say how it is rounded, at least `rounding: {}`.")


def _places(earlier: Sequence[PriceList], one: PriceList, found: Findings) -> None:
    for other in (other for other in earlier if one.syncs and other.syncs):
        if _till_place(other) == _till_place(one):
            found.add(
                "lightspeed",
                f"The list {other.name!r} has the same place at the till.",
                "Give each list a price book of its own.",
            )
        written = other.may_write("commercetools") or one.may_write("commercetools")
        if written and _online_place(other) == _online_place(one):
            found.add(
                "commercetools",
                f"The list {other.name!r} has the same prices online, and one of the two writes them.",
                "Give each list its own channel, country or customer group, or let commercetools own both.",
            )


def _till_place(one: PriceList) -> Hashable:
    place = one.lightspeed
    return ("base",) if place.base else (place.price_book, place.location)


def _online_place(one: PriceList) -> Hashable:
    place = one.commercetools
    dates = one.lightspeed.valid_from, one.lightspeed.valid_to
    dated = dates if one.validity in (None, "book") and any(dates) else None
    return place.currency, place.country, place.channel, place.store, place.customer_group, dated


def _locations(settings: SyncSettings, one: PriceList, found: Findings) -> None:
    known = [location.name for location in settings.locations]
    place = one.lightspeed
    if place.location is not None:
        found.unknown(("lightspeed", "location"), place.location, known)
    for at, name in enumerate(place.locations or ()):
        found.unknown(("lightspeed", "locations", at), name, known)


def _currency(settings: SyncSettings, one: PriceList, found: Findings) -> None:
    till, online = settings.products.price.currency, one.commercetools.currency
    if not one.syncs or iso_code(till) == iso_code(online):
        return
    if not one.one_way:
        found.add(
            "owner",
            f"Prices in {online} and {till} can't be owned by {one.owner!r}: they would not come back as they went.",
            "Let commercetools or lightspeed own the list.",
        )
        return
    source, target = (online, till) if one.owner == "commercetools" else (till, online)
    if settings.prices.exchange(source, target) is None:
        found.add(
            ("commercetools", "currency"),
            f"The tills sell in {till} (products.price.currency), and no rate says what {source} is in {target}.",
            f"Add {{source: {source}, target: {target}, rate: ..., as_of: ...}} to prices.exchange_rates.",
        )
    if one.rounding is None:
        _needs_rounding("An exchanged price hardly ever comes out exactly.", found)
