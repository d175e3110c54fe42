"""Settings of the orders entity: which web orders become sales of the till, at which register, and as what."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from retail_sync.settings.models.base import Settings

ExportedState = Literal["Open", "Confirmed", "Complete"]
PaymentState = Literal["BalanceDue", "Failed", "Pending", "CreditOwed", "Paid"]
ShipmentState = Literal[
    "Shipped", "Delivered", "Ready", "Pending", "Delayed", "Partial", "Backorder", "Canceled"
]
OrderSeverity = Literal["hold", "warn", "off"]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class OrderPlace(Settings):
    """Where orders of one kind are sold. Every condition that is given must hold."""

    location: str
    """Name of the location (`locations`) whose register gets the sale."""
    store: str | None = None
    """commercetools store key."""
    channel: str | None = None
    """Key of the channel that sold all lines."""
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    """ISO 3166-1 code."""
    shipping_method: str | None = None
    """Key or name of the shipping method."""


class OrderTax(Settings):
    """One tax of orders by its name at the till."""

    rate: Share
    """0.19 for 19 %."""
    tax: str
    """Name of the Lightspeed tax."""
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    """Only in this country; empty: in all."""
    name: str | None = None
    """Only the rate of this name; empty: whatever it is called."""


class OrderTender(Settings):
    """One way of paying by its name at the till. Empty conditions always hold; the first entry that fits counts."""

    tender: str
    """Name of the Lightspeed payment type."""
    method: str | None = None
    """`paymentMethodInfo.method` of the payment."""
    interface: str | None = None
    """`paymentMethodInfo.paymentInterface` of the payment."""


class OrderCustomers(Settings):
    """Whose sale it is."""

    guest: str | None = None
    """`customer_code` or id of the Lightspeed customer of orders without one; empty: a sale without a customer."""
    unlinked: Literal["wait", "guest"] = "wait"
    """An order of an account that has no partner at the till yet: `wait` until the DAG `customers` has matched or
    created it, or take the guest at once."""
    wait_hours: int = Field(default=4, ge=0)
    """How long after it was placed an order waits at most for its customer; then it goes to the guest, and says
    so."""
    by_email: bool = False
    """Whether an order without an account is given to the one linked customer who bears its e-mail address."""


class OrderProducts(Settings):
    """Articles of the till for what is no article online, by SKU. They should not count stock."""

    shipping: str | None = None
    """For shipping costs."""
    shipping_methods: dict[str, str] = Field(default_factory=dict)
    """Others by key or name of the shipping method."""
    custom: str | None = None
    """For custom lines, discounts among them."""
    customs: dict[str, str] = Field(default_factory=dict)
    """Others by slug of the custom line (gift wrapping)."""
    stand_in: str | None = None
    """For a line whose SKU the till does not know: it bears SKU and price, and the order is not delayed. Empty: such
    an order is held."""
    refund: str | None = None
    """For money that goes back without goods that come back into stock."""


class OrderReturns(Settings):
    """What comes back after the sale."""

    when: Literal["goods", "money", "both"] = "money"
    """A return is written when its goods have arrived, when its money went back, or when both did."""
    unusable: Literal["money only", "restock"] = "money only"
    """Goods that can't be sold again: their money goes back by way of `products.refund`, or they come back into
    stock."""
    tender: str | None = None
    """Payment type of money that went back where no transaction says how; empty: as the order was paid."""


class OrderRules(Settings):
    """What a finding does: `hold` keeps the order back, `warn` only reports."""

    stand_in_used: OrderSeverity = "warn"
    """A line's SKU is not known at the till, and the stand-in was sold."""
    guest_instead: OrderSeverity = "warn"
    """The customer had no partner in time, and the guest was taken."""
    edited: OrderSeverity = "warn"
    """Lines or totals of an order changed after it was exported. The sale is not touched."""


class OrderSettings(Settings):
    """Web orders: none is exported until `since` says from when on."""

    since: date | None = None
    """Orders placed before this day (UTC) are never exported; empty: none is."""
    states: tuple[ExportedState, ...] = ("Open", "Confirmed", "Complete")
    """States in which an order is exported."""
    payment_states: tuple[PaymentState, ...] = ()
    """Payment states in which it is; empty: any, and none."""
    stores: tuple[str, ...] = ()
    """commercetools store keys: only their orders; empty: all."""
    channels: tuple[str, ...] = ()
    """Keys of channels that sell: only orders all of whose lines name one of them; empty: all."""
    places: tuple[OrderPlace, ...] = ()
    """Where which orders are sold; the first that fits counts."""
    location: str | None = None
    """Name of the location of all others."""
    split: Literal["by channel", "never"] = "by channel"
    """Whether lines that different locations serve become a sale at each of them."""
    registers: dict[str, str] = Field(default_factory=dict)
    """Location -> name of the register of its web orders. One that nobody closes suits best: a closed one takes no
    sale."""
    user: str | None = None
    """Name or id of the Lightspeed user who sells; empty: the one the connection belongs to."""
    number: Literal["order", "register"] = "order"
    """The invoice number: the order's, or the next one of the register. The order number is in the note either
    way."""
    customers: OrderCustomers = OrderCustomers()
    """Whose sale it is."""
    products: OrderProducts = OrderProducts()
    """Articles of the till for what is no article online."""
    stand_in_later: Literal["report", "replace"] = "report"
    """When the till knows the SKU after all: `report` it, or `replace` the stand-in in the sale."""
    taxes: tuple[OrderTax, ...] = ()
    """Taxes by rate; where none fits, the one tax of `products.tax_classes` with that very rate."""
    tenders: tuple[OrderTender, ...] = ()
    """Ways of paying."""
    paid_by: tuple[Literal["Charge", "Authorization"], ...] = ("Charge",)
    """Successful transactions that count as paid. `Authorization`, for shops that charge when they ship: it counts as
    far as nothing was charged yet."""
    paid_without: str | None = None
    """Payment type of an order whose payment state is Paid but that has no transaction; empty: it is held."""
    unpaid: Literal["hold", "on account", "park"] = "hold"
    """An order that is not paid, or not in full: kept back; sold on account, settled when it is paid; or parked."""
    cancelled: Literal["void", "return", "report"] = "void"
    """A cancellation after the export: the sale is voided, everything in it returned, or a person is told."""
    returns: OrderReturns = OrderReturns()
    """What comes back after the sale."""
    fulfilment: dict[str, Literal["pickup", "delivery"]] = Field(default_factory=dict)
    """Key or name of a shipping method -> how the till hands it over: the sale stays open with that attribute until
    somebody there closes it. Others are closed at once."""
    fulfilled: ShipmentState | None = None
    """Shipment state an order gets when such a sale is closed; empty: none."""
    rules: OrderRules = OrderRules()
    """What a finding does."""
    batch_size: int = Field(default=200, ge=1)
    """Orders per load task."""

    @property
    def exported(self) -> bool:
        """Whether any order is exported at all."""
        return self.since is not None

    @property
    def service_skus(self) -> frozenset[str]:
        """SKUs of the articles of the till that the settings name."""
        named = self.products
        return frozenset(
            sku
            for sku in (
                named.shipping,
                named.custom,
                named.stand_in,
                named.refund,
                *named.shipping_methods.values(),
                *named.customs.values(),
            )
            if sku
        )
