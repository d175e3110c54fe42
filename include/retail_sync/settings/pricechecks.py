"""What no single setting of prices can see: two lists for one place, unknown locations, missing exchange rates."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from retail_sync.records.currencies import iso_code
from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.prices import PriceList
from retail_sync.settings.problems import did_you_mean


def list_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Every list has its own name and its own places; its currency can be had at the till."""
    lists = settings.prices.lists
    names = [one.name for one in lists]
    for position, one in enumerate(lists):
        loc: Loc = ("prices", "lists", position)
        if names.index(one.name) < position:
            yield Problem(
                (*loc, "name"), f"{one.name!r} is used by two lists.", "Give each list its own name."
            )
        yield from _shared(lists[:position], one, loc)
        yield from _locations(settings, one, loc)
        yield from _currency(settings, one, loc)
        if one.markup_percent and one.rounding is None:
            yield Problem(
                (*loc, "rounding"),
                "A price with a markup hardly ever comes out exactly.",
                "Say how it is rounded, at least `rounding: {}`.",
            )


def base_price_problems(settings: SyncSettings) -> Iterator[Problem]:
    """The till's own price is written by one DAG only."""
    based = next((one for one in settings.prices.synced if one.lightspeed.base), None)
    if based is not None and settings.products.price.owner != "none":
        yield Problem(
            ("products", "price", "owner"),
            f"The list {based.name!r} of `prices` has the till's own price, and so has this setting.",
            "Set products.price.owner to `none`: new articles still get it as their first price.",
        )


def _shared(earlier: tuple[PriceList, ...], one: PriceList, loc: Loc) -> Iterator[Problem]:
    if not one.syncs:
        return
    for other in earlier:
        if not other.syncs:
            continue
        if _till_place(other) == _till_place(one):
            yield Problem(
                (*loc, "lightspeed"),
                f"The list {other.name!r} has the same place at the till.",
                "Give each list a price book of its own.",
            )
        both = (other, one)
        if _online_place(other) == _online_place(one) and any(x.may_write("commercetools") for x in both):
            yield Problem(
                (*loc, "commercetools"),
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


def _locations(settings: SyncSettings, one: PriceList, loc: Loc) -> Iterator[Problem]:
    known = [location.name for location in settings.locations]
    place = one.lightspeed
    named: list[tuple[Loc, str]] = []
    if place.location is not None:
        named.append((("location",), place.location))
    named += [(("locations", at), name) for at, name in enumerate(place.locations or ())]
    for where, name in named:
        if name not in known:
            yield Problem(
                (*loc, "lightspeed", *where), f"There is no location {name!r}.", did_you_mean(name, known)
            )


def _currency(settings: SyncSettings, one: PriceList, loc: Loc) -> Iterator[Problem]:
    till, online = settings.products.price.currency, one.commercetools.currency
    if not one.syncs or iso_code(till) == iso_code(online):
        return
    if not one.one_way:
        yield Problem(
            (*loc, "owner"),
            f"Prices in {online} and {till} can't be owned by {one.owner!r}: they would not come back as they went.",
            "Let commercetools or lightspeed own the list.",
        )
        return
    source, target = (online, till) if one.owner == "commercetools" else (till, online)
    if settings.prices.exchange(source, target) is None:
        yield Problem(
            (*loc, "commercetools", "currency"),
            f"The tills sell in {till} (products.price.currency), and no rate says what {source} is in {target}.",
            f"Add {{source: {source}, target: {target}, rate: ..., as_of: ...}} to prices.exchange_rates.",
        )
    if one.rounding is None:
        yield Problem(
            (*loc, "rounding"),
            "An exchanged price hardly ever comes out exactly.",
            "Say how it is rounded, at least `rounding: {}`.",
        )
