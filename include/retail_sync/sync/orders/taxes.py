"""The till's tax of a line, by the rate the order states."""

from __future__ import annotations

from decimal import Decimal

from retail_sync.records.orders import Order, Rate
from retail_sync.records.sales import TillTax
from retail_sync.settings.models.orders import OrderTax
from retail_sync.sync.orders.plan import World
from retail_sync.sync.orders.saying import held, percent


def tax_id_of(order: Order, rate: Rate | None, world: World) -> str:
    """Id of the till's tax. Raises Held (`tax_unmapped`) where there is none, or several."""
    if order.taxed is None:
        return world.terms.no_tax_id
    stated = rate or Rate(share=Decimal(0))
    named = next((one for one in world.settings.orders.taxes if _fits(one, stated, order)), None)
    if named is not None:
        return _of_rate(_named(named.tax, stated, world), stated).id
    if not stated.share:
        return world.terms.no_tax_id
    names = {one.lightspeed for one in world.settings.products.tax_classes}
    same = [tax for name, tax in world.terms.taxes.items() if name in names and tax.rate == stated.share]
    if len(same) == 1:
        return same[0].id
    found = "Several taxes" if same else "No tax"
    raise held(
        "tax_unmapped",
        f"{found} of the till fit{'' if same else 's'} {percent(stated.share)} ({stated.name or 'without a name'}).",
        f"Add `- {{rate: {stated.share}, tax: <name of the tax at the till>}}` to `orders.taxes`.",
        field="tax",
        rate=str(stated.share),
        name=stated.name,
        candidates=[one.name for one in same],
    )


def _fits(one: OrderTax, rate: Rate, order: Order) -> bool:
    return (
        one.rate == rate.share
        and one.country in (None, rate.country or order.country)
        and one.name in (None, rate.name)
    )


def _of_rate(tax: TillTax, rate: Rate) -> TillTax:
    """The tax, if it is of that rate today: its rate can be changed at the till under the same name and id. Raises Held
    (`tax_unmapped`)."""
    if tax.rate == rate.share:
        return tax
    raise held(
        "tax_unmapped",
        f"`orders.taxes` names {tax.name!r} for {percent(rate.share)}, and at the till it is {percent(tax.rate)} now.",
        f"Add a tax of {percent(rate.share)} at the till and name it in `orders.taxes`, or correct the rate there.",
        field="tax",
        rate=str(rate.share),
        name=rate.name,
        tax=tax.name,
        till=str(tax.rate),
    )


def _named(name: str, rate: Rate, world: World) -> TillTax:
    tax = world.terms.taxes.get(name)
    if tax is None:
        raise held(
            "tax_unmapped",
            f"`orders.taxes` names {name!r} for {percent(rate.share)}, and the till has no such tax.",
            "Correct the name, or add the tax at the till.",
            field="tax",
            rate=str(rate.share),
            name=name,
        )
    return tax
