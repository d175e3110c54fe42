"""Orders and sales: locations that are none, registers that miss, nowhere to sell."""

from __future__ import annotations

from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.orders import OrderSettings
from retail_sync.settings.validation.findings import Findings


def check_orders(settings: SyncSettings, found: Findings) -> None:
    """Everything about orders and sales that several settings say together."""
    orders = found.within("orders")
    _locations(settings, orders)
    _stores(settings, orders)
    if settings.orders.exported:
        _registers(settings.orders, orders)
        _articles(settings.orders, orders)
        _tenders(settings.orders, orders)
    _sales(settings, found.within("sales"))


def _locations(settings: SyncSettings, found: Findings) -> None:
    given = settings.orders
    named = [
        *((("places", n, "location"), one.location) for n, one in enumerate(given.places)),
        *((("registers", name), name) for name in given.registers),
        *([(("location",), given.location)] if given.location is not None else []),
    ]
    known = [one.name for one in settings.locations]
    for at, name in named:
        found.unknown(at, name, known, otherwise="Add it to `locations`.")


def _stores(settings: SyncSettings, found: Findings) -> None:
    """A sale that counts stock somebody else counts would be counted twice."""
    owners = {one.name: one.owner for one in settings.locations}
    for name in settings.orders.registers:
        if owners.get(name, "lightspeed") != "lightspeed":
            found.add(
                ("registers", name),
                f"The stock of {name!r} is not counted by Lightspeed, and a sale there would lower it.",
                "Sell at another location, or let Lightspeed own it.",
            )


def _registers(given: OrderSettings, found: Findings) -> None:
    used = {one.location for one in given.places} | ({given.location} if given.location else set())
    if not used:
        found.add((), "No order has a location.", "Set `location`, or add `places`.")
    for name in sorted(used - set(given.registers)):
        remedy = f"Add `{name}: <name of its register>`."
        found.add("registers", f"The location {name!r} has no register.", remedy)


def _articles(given: OrderSettings, found: Findings) -> None:
    named = given.products
    if named.stand_in is not None and named.stand_in == named.refund:
        found.add(
            ("products", "refund"),
            f"{named.refund!r} is also the article for stand_in.",
            "Use an article of its own: it is recognised by its SKU later.",
        )
    if given.stand_in_later == "replace" and named.stand_in is None:
        remedy = "Set `products.stand_in`, or `report`."
        found.add("stand_in_later", "There is no stand-in to replace.", remedy)
    if given.returns.unusable == "money only" and named.refund is None:
        found.add(
            ("products", "refund"),
            "Goods that can't be sold again are refunded by way of an article that is not named.",
            "Name it, or set `returns.unusable: restock`.",
        )


def _tenders(given: OrderSettings, found: Findings) -> None:
    if not given.tenders and given.paid_without is None and given.unpaid == "hold":
        found.add(
            "tenders",
            "No way of paying has a payment type, so every order would be held.",
            "Add `- tender: <name of the payment type>`.",
        )
    for n, one in enumerate(given.tenders[:-1]):
        if one.method is None and one.interface is None:
            found.add(
                ("tenders", n),
                "It fits every payment, so what comes after it never counts.",
                "Put it last, or name a method or an interface.",
            )


def _sales(settings: SyncSettings, found: Findings) -> None:
    known = [one.name for one in settings.locations]
    for name in settings.sales.stores:
        found.unknown(("stores", name), name, known, otherwise="Add it to `locations`.")
    if settings.sales.type is None and any(value for _, value in settings.sales.fields):
        remedy = "Set `sales.type` to its key."
        found.add("fields", "Custom fields need the type that declares them.", remedy)
