"""Web orders as a shop makes them: totals that add up, taxes rounded by line, by unit or by rate, discounts on lines
and on the whole, gifts, shipping, several payments. For tests that must hold for any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from hypothesis import assume
from hypothesis import strategies as st

from retail_sync.records.orders import (
    Order,
    OrderLine,
    Payment,
    Portion,
    PriceGroup,
    Rate,
    Taxed,
    Transaction,
)

PLACED = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
CHANNELS = ("stock-north", "stock-south")
SKUS = ("TEE-RED", "TEE-BLUE", "MUG", "CAP", "SCARF")
RATES = (
    (Decimal("0.19"), "MwSt"),
    (Decimal("0.07"), "MwSt"),
    (Decimal("0.055"), "reduced"),
    (Decimal(0), "none"),
)
Rounding = Literal["line", "unit", "rate"]


@dataclass(frozen=True)
class Way:
    """How an order of the strategy is made. `stated`: whether its lines say what they are without and with tax."""

    included: bool
    rounding: Rounding
    stated: bool = True


def rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def taxed(total: int, share: Decimal, *, included: bool) -> Taxed:
    """An amount without and with tax, as a shop rounds it."""
    if included:
        return Taxed(net=rounded(total / (1 + share)), gross=total)
    return Taxed(net=total, gross=rounded(total * (1 + share)))


def _line_taxed(units: Sequence[PriceGroup], share: Decimal, way: Way) -> Taxed:
    if way.rounding != "unit":
        return taxed(sum(one.quantity * one.unit for one in units), share, included=way.included)
    each = [(one.quantity, taxed(one.unit, share, included=way.included)) for one in units]
    return Taxed(net=sum(n * one.net for n, one in each), gross=sum(n * one.gross for n, one in each))


def a_line(
    id: str,
    units: Sequence[tuple[int, int]],
    way: Way,
    *,
    rate: tuple[Decimal, str] = RATES[0],
    kind: Literal["article", "custom", "shipping"] = "article",
    unit: int | None = None,
    sku: str | None = None,
    slug: str | None = None,
    channel: str | None = None,
) -> OrderLine:
    """A line of units that cost so much each: (how many, how much)."""
    groups = [PriceGroup(quantity=n, unit=price) for n, price in units]
    return OrderLine(
        id=id,
        kind=kind,
        sku=sku,
        slug=slug,
        name=f"Line {id}",
        quantity=sum(one.quantity for one in groups),
        unit=max(one.unit for one in groups) if unit is None else unit,
        total=sum(one.quantity * one.unit for one in groups),
        groups=tuple(groups) if len(groups) > 1 else (),
        rate=Rate(share=rate[0], name=rate[1], country="DE", included=way.included),
        taxed=_line_taxed(groups, rate[0], way) if way.stated else None,
        channel=channel,
    )


def an_order(
    lines: Sequence[OrderLine], way: Way, *, discount: int = 0, id: str = "order-1", **more: object
) -> Order:
    """An order of these lines whose totals are as the shop works them out."""
    total = sum(line.total for line in lines) - discount
    taxes = _taxes(lines, way, discount)
    tax = sum(taxes.values())
    whole = Taxed(net=total - tax, gross=total) if way.included else Taxed(net=total, gross=total + tax)
    return Order.model_validate(
        {
            "id": id,
            "version": 3,
            "number": id.upper(),
            "placed_at": PLACED,
            "modified_at": PLACED + timedelta(minutes=5),
            "currency": "EUR",
            "state": "open",
            "payment_state": "Paid",
            "country": "DE",
            "shipping_method": "parcel",
            "lines": tuple(lines),
            "total": total,
            "taxed": whole,
            "portions": tuple(
                Portion(rate=share, name=name, tax=amount) for (share, name), amount in taxes.items()
            ),
            "total_discount": discount,
            "payments": (paid(whole.gross),) if whole.gross else (),
            **more,
        }
    )


def _taxes(lines: Sequence[OrderLine], way: Way, discount: int) -> dict[tuple[Decimal, str], int]:
    """The tax of each rate. A discount on the whole lowers every line by its part, and the tax is rounded anew."""
    exact: dict[tuple[Decimal, str], Decimal] = defaultdict(Decimal)
    stated: dict[tuple[Decimal, str], int] = defaultdict(int)
    costs = sum(max(line.total, 0) for line in lines)
    for line in lines:
        assert line.rate is not None
        key = (line.rate.share, line.rate.name)
        less = Decimal(discount) * max(line.total, 0) / costs if costs else Decimal(0)
        amount = line.total - less
        tax = amount - amount / (1 + key[0]) if way.included else amount * key[0]
        exact[key] += tax
        if line.taxed is not None and not discount and way.rounding != "rate":
            stated[key] += line.taxed.gross - line.taxed.net
        else:
            stated[key] += rounded(tax)
    if way.rounding == "rate":
        return {key: rounded(tax) for key, tax in exact.items()}
    return dict(stated)


def paid(
    amount: int,
    id: str = "pay-1",
    *,
    method: str = "card",
    refunds: Sequence[tuple[str, int]] = (),
    **more: object,
) -> Payment:
    """A payment with one charge, and refunds: (id, amount), an hour after each other."""
    charges = [Transaction(id=f"{id}-charge", type="charge", state="success", amount=amount, at=PLACED)]
    back = [
        Transaction(
            id=name, type="refund", state="success", amount=some, at=PLACED + timedelta(days=1, hours=n)
        )
        for n, (name, some) in enumerate(refunds)
    ]
    return Payment.model_validate(
        {"id": id, "method": method, "interface": "psp", "transactions": (*charges, *back), **more}
    )


@st.composite
def ways(draw: st.DrawFn) -> Way:
    return Way(
        included=draw(st.booleans()),
        rounding=draw(st.sampled_from(("line", "unit", "rate"))),
        stated=draw(st.sampled_from((True, True, True, False))),
    )


@st.composite
def _units(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int]:
    """Units of a line by price after its discounts, and the price before them."""
    unit = draw(st.integers(1, 20_000))
    quantity = draw(st.integers(1, 40))
    kind = draw(st.sampled_from(("full", "full", "less", "groups", "gift")))
    if kind == "gift":
        return [(quantity, 0)], unit
    if kind == "less":
        return [(quantity, draw(st.integers(1, unit)))], unit
    if kind == "groups" and quantity > 1:
        some = draw(st.integers(1, quantity - 1))
        return [(some, unit), (quantity - some, draw(st.integers(0, unit)))], unit
    return [(quantity, unit)], unit


@st.composite
def orders(draw: st.DrawFn, *, split: bool = True) -> Order:
    """Orders that are consistent in themselves and paid in full."""
    way = draw(ways())
    rates = draw(st.lists(st.sampled_from(RATES), min_size=1, max_size=3, unique=True))
    channels = (None, *CHANNELS) if split else (None,)
    lines = []
    for n in range(draw(st.integers(1, 5))):
        units, unit = draw(_units())
        lines.append(
            a_line(
                f"line-{n}",
                units,
                way,
                rate=draw(st.sampled_from(rates)),
                unit=unit,
                sku=draw(st.sampled_from(SKUS)),
                channel=draw(st.sampled_from(channels)),
            )
        )
    if draw(st.booleans()):
        cost = draw(st.integers(0, 1500))
        lines.append(a_line("shipping", [(1, cost)], way, rate=rates[0], kind="shipping", slug="parcel"))
    worth = sum(line.total for line in lines)
    if worth > 10 and draw(st.booleans()):
        # A voucher as a custom line takes off no more than half of what the goods of its rate cost.
        of_rate = sum(
            line.total for line in lines if line.rate is not None and line.rate.share == rates[0][0]
        )
        less = draw(st.integers(0, of_rate // 2))
        if less:
            lines.append(a_line("voucher", [(1, -less)], way, rate=rates[0], kind="custom", slug="voucher"))
            worth -= less
    discount = draw(st.sampled_from((0, 0, draw(st.integers(0, max(worth, 0))))))
    order = an_order(lines, way, discount=discount, id=f"order-{draw(st.integers(1, 999))}")
    # Rounding the tax of a line and of its voucher apart could leave less than nothing of a free order.
    assume(order.gross >= 0)
    return order.model_copy(update={"payments": draw(payments(order.gross))})


@st.composite
def payments(draw: st.DrawFn, amount: int) -> tuple[Payment, ...]:
    """One to three payments of an amount, in different ways."""
    methods = ("card", "paypal", "voucher")
    left, found = amount, []
    for n, method in enumerate(methods[: draw(st.integers(1, 3))]):
        some = draw(st.integers(0, left)) if n < 2 else left
        found.append((method, some))
        left -= some
    last, some = found[-1]
    found[-1] = (last, some + left)
    return tuple(paid(some, f"pay-{method}", method=method) for method, some in found if some)
