"""What no single setting of orders and sales can see: locations that are none, registers that miss, nowhere to sell."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.orders import OrderSettings
from retail_sync.settings.problems import did_you_mean

ORDERS: Loc = ("orders",)
SALES: Loc = ("sales",)


def order_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Everything about orders and sales that several settings say together."""
    yield from _locations(settings)
    yield from _stores(settings)
    if settings.orders.exported:
        yield from _registers(settings.orders)
        yield from _articles(settings.orders)
        yield from _tenders(settings.orders)
    yield from _fields(settings)


def _locations(settings: SyncSettings) -> Iterator[Problem]:
    given = settings.orders
    named: list[tuple[Loc, str]] = [
        *(((*ORDERS, "places", n, "location"), one.location) for n, one in enumerate(given.places)),
        *(((*ORDERS, "registers", name), name) for name in given.registers),
        *(((*SALES, "stores", name), name) for name in settings.sales.stores),
    ]
    if given.location is not None:
        named.append(((*ORDERS, "location"), given.location))
    known = [one.name for one in settings.locations]
    for loc, name in named:
        if name not in known:
            yield Problem(
                loc, f"There is no location {name!r}.", did_you_mean(name, known, "Add it to `locations`.")
            )


def _stores(settings: SyncSettings) -> Iterator[Problem]:
    """A sale that counts stock somebody else counts would be counted twice."""
    owners = {one.name: one.owner for one in settings.locations}
    for name in settings.orders.registers:
        if owners.get(name, "lightspeed") != "lightspeed":
            yield Problem(
                (*ORDERS, "registers", name),
                f"The stock of {name!r} is not counted by Lightspeed, and a sale there would lower it.",
                "Sell at another location, or let Lightspeed own it.",
            )


def _registers(given: OrderSettings) -> Iterator[Problem]:
    used = {one.location for one in given.places} | ({given.location} if given.location else set())
    if not used:
        yield Problem(ORDERS, "No order has a location.", "Set `location`, or add `places`.")
    for name in sorted(used - set(given.registers)):
        yield Problem(
            (*ORDERS, "registers"),
            f"The location {name!r} has no register.",
            f"Add `{name}: <name of its register>`.",
        )


def _articles(given: OrderSettings) -> Iterator[Problem]:
    named = given.products
    used: dict[str, str] = {}
    for name in ("stand_in", "refund"):
        sku = getattr(named, name)
        if sku is None:
            continue
        if sku in used:
            yield Problem(
                (*ORDERS, "products", name),
                f"{sku!r} is also the article for {used[sku]}.",
                "Use an article of its own: it is recognised by its SKU later.",
            )
        used[sku] = name
    if given.stand_in_later == "replace" and named.stand_in is None:
        yield Problem(
            (*ORDERS, "stand_in_later"),
            "There is no stand-in to replace.",
            "Set `products.stand_in`, or `report`.",
        )
    if given.returns.unusable == "money only" and named.refund is None:
        yield Problem(
            (*ORDERS, "products", "refund"),
            "Goods that can't be sold again are refunded by way of an article that is not named.",
            "Name it, or set `returns.unusable: restock`.",
        )


def _tenders(given: OrderSettings) -> Iterator[Problem]:
    if not given.tenders and given.paid_without is None and given.unpaid == "hold":
        yield Problem(
            (*ORDERS, "tenders"),
            "No way of paying has a payment type, so every order would be held.",
            "Add `- tender: <name of the payment type>`.",
        )
    for n, one in enumerate(given.tenders[:-1]):
        if one.method is None and one.interface is None:
            yield Problem(
                (*ORDERS, "tenders", n),
                "It fits every payment, so what comes after it never counts.",
                "Put it last, or name a method or an interface.",
            )


def _fields(settings: SyncSettings) -> Iterator[Problem]:
    given = settings.sales
    if given.type is None and any(value for _, value in given.fields):
        yield Problem(
            (*SALES, "fields"),
            "Custom fields need the type that declares them.",
            "Set `sales.type` to its key.",
        )
