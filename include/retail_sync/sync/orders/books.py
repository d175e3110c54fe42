"""What stands at the till for an order, and what its money comes to there: changes as steps are planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from retail_sync.records.orders import Order
from retail_sync.records.sales import Sale, SaleLine, SaleState
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.exact import minor
from retail_sync.sync.orders.plan import Known, Sold, Step, World
from retail_sync.sync.orders.tenders import Money, counted, gone_back, kept

Unit = tuple[str | None, Decimal, Decimal]
"""Units that can't be told apart: line of the order, price, tax."""


@dataclass
class Books:
    """An order at the till, with the steps that are planned for it."""

    order: Order
    known: Known
    world: World
    sold: list[Sold]
    complete: bool
    """Whether nothing of it is left to be sold."""
    returns: list[Sale] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    findings: list[Remark] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    """Ids of return items and refunds that the steps settle."""

    @property
    def living(self) -> list[Sold]:
        """Sales that are not voided."""
        return [one for one in self.sold if state_of(one) != "voided"]

    @property
    def at_till(self) -> int:
        """What the till has of the customer's money."""
        return sum(paid(one) for one in self.living) + sum(
            tender.amount for sale in self.came_back for tender in sale.tenders
        )

    @property
    def came_back(self) -> list[Sale]:
        """Every return and refund, written or planned."""
        return [*self.known.returns, *self.returns]

    @property
    def kept(self) -> int:
        """What the shop has of the customer's money. Where no transaction says how it was paid: what was sold."""
        if counted(self.order, self.world.settings.orders):
            return kept(self.order, self.world.settings.orders)
        sold = sum(paid(one) for one in self.living)
        return sold - sum(money.amount for money in gone_back(self.order))

    def is_settled(self, one: str | None) -> bool:
        """Whether a return item or a refund is written, or planned."""
        return one in self.known.returned or one in self.settled

    def change(self, one: Sold, sale: Sale) -> Sold:
        """Go on with a sale as a step leaves it."""
        changed = replace(one, sale=sale, now=None if one.now is None else _as_shown(one.now, sale))
        self.sold[self.sold.index(one)] = changed
        return changed

    def minor(self, amount: Decimal) -> int:
        return minor(amount, self.order.digits)

    def left(self, one: Sold) -> list[SaleLine]:
        """The units of a sale that have not come back, in the order they were sold; lines by their price."""
        back = Counter[Unit]()
        for sale in self.came_back:
            for line in sale.lines:
                back[unit(line)] += int(-line.quantity)
        found = []
        for line in one.sale.lines:
            gone = min(int(line.quantity), back[unit(line)])
            back[unit(line)] -= gone
            if line.quantity > gone:
                found.append(line.model_copy(update={"quantity": line.quantity - gone}))
        return found

    @property
    def refunded_early(self) -> int:
        """What went back alone, for no goods, and was not made up for by a return since: a return that is entered later
        may be what it was for."""
        return max(
            0,
            self.minor(
                sum(
                    (
                        -cost(line)
                        for sale in self.came_back
                        for line in sale.lines
                        if line.order_line is None
                    ),
                    Decimal(0),
                )
            ),
        )

    def value(self, one: Sold, lines: Iterable[SaleLine]) -> int:
        """What units of a sale are worth when they come back now."""
        return self.value_of(
            one, sum((abs(line.quantity) * (line.price + line.tax) for line in lines), Decimal(0))
        )

    def value_of(self, one: Sold, amount: Decimal) -> int:
        """An amount of what comes back of a sale now in minor units. It is rounded so that all units together come to
        the sale, however many returns they come back in."""
        units = {unit(line) for line in one.sale.lines}
        before = sum(
            (-cost(line) for sale in self.came_back for line in sale.lines if unit(line) in units), Decimal(0)
        )
        return self.minor(before + amount) - self.minor(before)

    def refunds(self) -> Purse:
        """What went back of the money and is not at the till yet. Money the till gave back earlier, when the goods
        came, is not given back again when the refund follows."""
        open_ones = [one for one in gone_back(self.order) if not self.is_settled(one.transaction)]
        due = max(0, self.at_till - self.kept)
        purse = Purse(open_ones)
        purse.drop(purse.total - due)
        return purse


@dataclass
class Purse:
    """Refunds that are to be given back at the till, oldest first."""

    money: Sequence[Money]

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.money)

    def drop(self, amount: int) -> None:
        """Leave out so much, from the oldest on."""
        self.take(max(0, amount))

    def take(self, wanted: int) -> tuple[list[Money], list[str]]:
        """So much at most; and the ids of refunds that are used up by it."""
        taken: list[Money] = []
        left: list[Money] = []
        used: list[str] = []
        for one in self.money:
            amount = min(wanted, one.amount)
            wanted -= amount
            if amount:
                taken.append(one.part(amount))
            if amount < one.amount:
                left.append(one.part(one.amount - amount))
            elif one.transaction is not None:
                used.append(one.transaction)
        self.money = left
        return taken, used


def unit(line: SaleLine) -> Unit:
    return line.order_line, line.price, line.tax


def cost(line: SaleLine) -> Decimal:
    return line.quantity * (line.price + line.tax)


def state_of(one: Sold) -> SaleState:
    """The state of a sale as the till showed it last, else as it was written."""
    if one.sale.state == "voided" or one.now is None:
        return one.sale.state
    return one.now.state


def paid(one: Sold) -> int:
    """What was paid for a sale: as it was written, or, where somebody at the till closed it, as the till has it."""
    written = sum(tender.amount for tender in one.sale.tenders)
    if one.now is None or one.now.state != "closed" or one.sale.state == "closed":
        return written
    return max(written, sum(tender.amount for tender in one.now.tenders))


def _as_shown(now: Sale, sale: Sale) -> Sale:
    return now.model_copy(update={"state": sale.state, "tenders": sale.tenders})
