"""What was paid for an order and what went back, and as which payment type of the till."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retail_sync.records.orders import Order, Payment, Transaction, TransactionType
from retail_sync.records.sales import Tender
from retail_sync.settings.models.orders import OrderSettings
from retail_sync.sync.orders.plan import World
from retail_sync.sync.orders.saying import held, shown

BACK: tuple[TransactionType, ...] = ("refund", "chargeback")


@dataclass(frozen=True)
class Money:
    """An amount somebody paid, or got back, one way. `method`, `interface`: of the payment. `transaction`: id of the
    movement, where it stands for a single one. `named`: the payment type, where the settings name it."""

    amount: int
    at: datetime
    method: str | None = None
    interface: str | None = None
    payment: str = ""
    transaction: str | None = None
    named: str | None = None

    def part(self, amount: int) -> Money:
        return Money(amount, self.at, self.method, self.interface, self.payment, self.transaction, self.named)


def counted(order: Order, settings: OrderSettings) -> list[Money]:
    """What was paid by each payment, whatever went back of it later."""
    found = []
    for payment in order.payments:
        charged = _sum(payment, "charge")
        amount = charged if "Charge" in settings.paid_by else 0
        if "Authorization" in settings.paid_by:
            promised = _sum(payment, "authorization") - _sum(payment, "cancel_authorization")
            amount += max(0, promised - (charged if "Charge" in settings.paid_by else 0))
        if amount > 0:
            paying = _done(payment, "charge", "authorization")
            first = min((one.at for one in paying if one.at), default=order.placed_at)
            found.append(Money(amount, first, payment.method, payment.interface, payment.id))
    return found


def gone_back(order: Order) -> list[Money]:
    """What went back, oldest first."""
    return sorted(
        (
            Money(
                one.amount, one.at or order.placed_at, payment.method, payment.interface, payment.id, one.id
            )
            for payment in order.payments
            for one in _done(payment, *BACK)
            if one.amount > 0
        ),
        key=lambda money: (money.at, str(money.transaction)),
    )


def kept(order: Order, settings: OrderSettings) -> int:
    """What the shop has of it now."""
    paid = counted(order, settings)
    return _total(_less(paid, gone_back(order), _total(paid)))


def paid_for_sale(order: Order, settings: OrderSettings, due: int) -> list[Money]:
    """What was paid for an order that is to be sold now, payment by payment.

    What went back before lowers what was paid, except what belongs to a return, or was given back of an order that
    counts as paid: that follows the sale. Raises Held (`unpaid`) for an order that says it is paid, and not how."""
    paid, back = counted(order, settings), gone_back(order)
    if not paid:
        return _paid_without(order, settings, due)
    follows = bool(order.returns) or order.payment_state == "Paid"
    before = max(0, _total(paid) - due) if follows else _total(paid)
    return _less(paid, back, before)


def take(paid: Sequence[Money], skip: int, wanted: int) -> list[Money]:
    """So much of what was paid, after what others have taken already."""
    found: list[Money] = []
    for money in paid:
        passed = min(skip, money.amount)
        skip -= passed
        amount = min(wanted, money.amount - passed)
        if amount > 0:
            wanted -= amount
            found.append(money.part(amount))
    return found


def tenders_of(parts: Sequence[Money], world: World, *, back: bool = False) -> tuple[Tender, ...]:
    """Tenders at the till; negative where the money goes back. Raises Held (`tender_unmapped`)."""
    return tuple(_tender(money, world, -1 if back else 1) for money in parts)


def _tender(money: Money, world: World, sign: int) -> Tender:
    name = money.named or _name_of(money, world.settings.orders)
    if name not in world.terms.payment_types:
        raise held(
            "tender_unmapped",
            f"The till has no payment type {name!r}.",
            "Correct the name in `orders`, or add the payment type at the till.",
            field="tenders",
            tender=name,
        )
    return Tender(
        payment_type_id=world.terms.payment_types[name], name=name, amount=sign * money.amount, at=money.at
    )


def _name_of(money: Money, settings: OrderSettings) -> str:
    for one in settings.tenders:
        if one.method in (None, money.method) and one.interface in (None, money.interface):
            return one.tender
    raise held(
        "tender_unmapped",
        f"No entry of `orders.tenders` fits the method {money.method or '(none)'} by way of "
        f"{money.interface or '(none)'}.",
        "Add `- {tender: <payment type>, method: ..., interface: ...}` to `orders.tenders`.",
        field="tenders",
        method=money.method,
        interface=money.interface,
    )


def _paid_without(order: Order, settings: OrderSettings, due: int) -> list[Money]:
    """Nothing says how it was paid."""
    if order.payment_state != "Paid" or due <= 0:
        return []
    if settings.paid_without is None:
        raise held(
            "unpaid",
            f"The order counts as paid, but no successful transaction says how "
            f"{shown(due, order.digits, order.currency)} were paid.",
            "Add the payment to the order, or name a payment type for such orders in `orders.paid_without`.",
            field="payments",
            due=due,
            paid=0,
        )
    return [Money(due, order.placed_at, named=settings.paid_without)]


def _less(paid: Sequence[Money], back: Sequence[Money], most: int) -> list[Money]:
    """What is left of each payment after what went back of it, but of all together no more than `most`."""
    left = {money.payment: money.amount for money in paid}
    for money in back:
        amount = min(money.amount, left.get(money.payment, 0), most)
        if amount > 0:
            left[money.payment] -= amount
            most -= amount
    return [money.part(left[money.payment]) for money in paid if left[money.payment] > 0]


def _done(payment: Payment, *types: TransactionType) -> list[Transaction]:
    return [one for one in payment.transactions if one.state == "success" and one.type in types]


def _sum(payment: Payment, kind: TransactionType) -> int:
    return sum(one.amount for one in _done(payment, kind))


def _total(some: Sequence[Money]) -> int:
    return sum(money.amount for money in some)
