"""Settings of the inventory entity: which stock each channel shows, by which rules, and who counts it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from retail_sync.records.channels import NO_CHANNEL
from retail_sync.settings.models.base import Settings

Aggregate = Literal["sum", "min", "max", "priority", "share"]
Rounding = Literal["down", "nearest", "up"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OpenSale = Literal["layby", "onaccount", "pickup", "delivery", "service"]
MOST = 1_000_000_000
"""More units than any shop has: figures are computed in whole numbers of 64 bits."""
Units = Annotated[Decimal, Field(ge=0, le=MOST)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Closure(Settings):
    """Days on which a location is closed, first and last included."""

    first: date
    """First closed day, such as 2026-12-24."""
    last: date
    """Last closed day."""

    @model_validator(mode="after")
    def _in_order(self) -> Closure:
        if self.last < self.first:
            raise ValueError("last is before first; swap them")
        return self


class Opening(Settings):
    """When a location takes part. On days when it does not, its stock counts for nothing online."""

    days: tuple[Weekday, ...] = WEEKDAYS
    """Days of the week on which it is open."""
    closed: tuple[Closure, ...] = ()
    """Closed days besides."""
    time_zone: str = "UTC"
    """Time zone in which its days begin, such as Europe/Berlin."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone {name!r}; write it as Europe/Berlin") from None
        return name


class StockRule(Settings):
    """What a channel shows. Steps are taken in the order of these settings; an empty setting takes no part."""

    aggregate: Aggregate | None = None
    """How several locations become one figure: `sum`; `min` (available at every one); `max` (the best one);
    `priority` (the first of `locations` that has stock); `share` (a part of each, see `shares`). Default: `sum`."""
    shares: dict[str, Percent] | None = None
    """With `share`: percent of each location's stock that the channel may offer; a location that is not named: 100."""
    safety_stock: Units | None = None
    """Units kept back at each location before they are aggregated."""
    safety_stock_at: dict[str, Units] | None = None
    """Units kept back at single locations; counts instead of `safety_stock` there."""
    cap: Units | None = None
    """Most units of the aggregated stock that the channel may use."""
    buffer_units: Units | None = None
    """Units kept back from the aggregated stock."""
    buffer_percent: Percent | None = None
    """Percent of the aggregated stock kept back, besides the units; both are taken from the same figure."""
    rounding: Rounding | None = None
    """What becomes of a part of a unit. `nearest` and `up` may offer a part that is not there. Default: `down`."""
    pack_size: Annotated[int, Field(ge=1, le=MOST)] | None = None
    """Units that are sold together; only whole packs are offered."""
    pack_shows: Literal["units", "packs"] | None = None
    """Whether the channel counts single units (default) or packs; a web order's quantity is in the same."""
    floor: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Less than this is shown as 0."""
    show_at_most: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Most that is ever shown."""


class Override(StockRule):
    """Other rules for some articles of a channel. An article takes the settings of every override that fits: those by
    category first, then tag, brand and SKU, so that the closest one counts; of the same kind the later one."""

    categories: tuple[str, ...] = ()
    """Categories, as the till shows them."""
    tags: tuple[str, ...] = ()
    """Tags."""
    brands: tuple[str, ...] = ()
    """Brands."""
    skus: tuple[str, ...] = ()
    """SKUs."""
    channels: tuple[str, ...] = ()
    """Only in these channels; empty = in all of them."""

    @model_validator(mode="after")
    def _names_one_kind(self) -> Override:
        given = [name for name in ("categories", "tags", "brands", "skus") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("name articles by exactly one of categories, tags, brands, skus")
        return self

    @property
    def by(self) -> Literal["categories", "tags", "brands", "skus"]:
        """What it names its articles by."""
        if self.categories:
            return "categories"
        return "tags" if self.tags else "brands" if self.brands else "skus"


class Offer(Settings):
    """Which articles a channel may offer: those that meet every given condition. Empty: all that are linked."""

    product_selections: tuple[str, ...] = ()
    """commercetools product selection keys (any of them)."""
    stores: tuple[str, ...] = ()
    """commercetools store keys: products in any active selection of any of them."""
    categories: tuple[str, ...] = ()
    """Categories, as the till shows them."""
    tags: tuple[str, ...] = ()
    """Tags (any of them)."""
    attribute: str | None = None
    """A mapped attribute (`attr.<name>` of `products.fields`) that must equal `attribute_value`."""
    attribute_value: str | int | bool | None = None
    """The value it must have."""
    skus: tuple[str, ...] = ()
    """Only these SKUs."""
    exclude_skus: tuple[str, ...] = ()
    """Never these SKUs."""


class ChannelSetting(StockRule):
    """One commercetools supply channel (or the entries without a channel) and the locations that feed it."""

    key: str | None
    """Key of the supply channel; null = the entries without a channel."""
    locations: tuple[str, ...] = Field(min_length=1)
    """Names of the locations it shows, in the order of `priority`."""
    fulfilled_by: str | None = None
    """The location from which its web orders are served, so that an order which has not reached the till yet is taken
    from that location's stock, for every channel that shows it. Empty: from the whole stock of the channel, and of each
    channel that shares a location with it."""
    offer: Offer = Offer()
    """Which articles it may offer."""
    outside_offer: Literal["zero", "leave"] = "zero"
    """What becomes of an entry of an article that the channel may not offer: it shows 0, or is left alone."""

    @property
    def channel(self) -> str:
        """The key as tables of stock hold it."""
        return self.key or NO_CHANNEL


class Adjusting(Settings):
    """How levels are written to Lightspeed at locations it does not own: always as a signed difference."""

    figure: Literal["available", "on_stock"] = "available"
    """What the till is to show: what commercetools has available, together with web orders that have not reached the
    till yet (they lower its level when they do); or its quantity on stock as it is."""
    reason_up: str = "STOCK_FOUND"
    """Reason of an increase: STOCK_FOUND, SAMPLE_FOR_SALE, or the name of a custom reason."""
    reason_down: str = "INTERNAL_USE"
    """Reason of a decrease: DAMAGE, EXPIRY, INTERNAL_USE, THEFT, DONATION, or the name of a custom reason."""


class InventorySettings(Settings):
    """Stock. Locations are in `locations`; one that names a `channel` feeds it alone, by the default rules."""

    channels: tuple[ChannelSetting, ...] = ()
    """Channels with rules of their own, or with several locations."""
    defaults: StockRule = StockRule()
    """Rules of every channel, unless it says otherwise."""
    overrides: tuple[Override, ...] = ()
    """Other rules by category, tag, brand or SKU."""
    identify: Literal["link", "sku"] = "link"
    """How an article of the till finds its SKU online: by the link that `products` made, or, where there is none, also
    by the same SKU on both sides."""
    composites: Literal["parts", "own", "skip"] = "parts"
    """Stock of a composite: as many as its parts allow; the level of its own record; or none at all."""
    negative_levels: Literal["subtract", "as zero"] = "subtract"
    """Whether a location that shows less than nothing takes from the others: what was sold there has to come from
    somewhere. `as zero` hides nothing of the others, but an order that its location could not serve is not held back at
    them, and if it is cancelled, what it gives back is offered until the next run although it never was there."""
    deleted: Literal["zero", "leave"] = "zero"
    """What an entry shows whose article was deleted at the till."""
    create_entries: Literal["all", "in stock", "never"] = "all"
    """Which missing entries are created."""
    create_channels: bool = False
    """Whether a missing supply channel is created, and a missing role given to one."""
    held_by_open_sales: tuple[OpenSale, ...] = ()
    """Open sales of the till that hold goods which its level still counts. Which of them the level counts is not
    documented: try it in your store; by default the level is taken as it is."""
    count_incoming: tuple[str, ...] = ()
    """Locations at which goods on their way (sent orders and transfers) count as stock already."""
    reserved: Literal["project", "orders", "carts"] = "project"
    """What the difference between quantity on stock and available quantity of an entry stands for: web orders, or goods
    in carts, which are then not offered to others. `project`: carts where the project lets them reserve
    (`reservationExpirationInMinutes` is set), else orders. Anything else is a statement that has to agree with the
    project: a run stops where it does not."""
    negative_quantity: Literal["show", "zero"] = "show"
    """What an entry shows where more is ordered than there is: by how much (below zero, so that what a cancelled order
    gives back fills the gap first), or 0. With `zero`, for shops that must not show a negative quantity, what a
    cancelled order gives back is offered until the next run even if it was never there."""
    export_channel: str = "lightspeed"
    """Key of the channel with which an order is marked as exported to the till (its `syncInfo`)."""
    order_settles_seconds: int = Field(default=60, ge=0)
    """How long after it was marked as exported, or was closed, an order still counts as open: only then do the level
    and what the entry has reserved certainly show it (commercetools: up to 10 seconds; clocks differ besides)."""
    order_states_closed: tuple[Literal["Open", "Confirmed", "Complete", "Cancelled"], ...] = ("Cancelled",)
    """Order states in which an order holds no stock."""
    orders_since: date | None = None
    """Orders from before this day are not looked at (they were dealt with before this package came)."""
    most_lost_percent: Percent = Decimal(50)
    """Where a run would set more than this share of all figures to 0 (at least 20 of them), none of these is: they wait
    for approval in the console, everything else is written, and the run ends as failed."""
    adjusting: Adjusting = Adjusting()
    """How levels are written to Lightspeed at locations it does not own."""
    batch_size: int = Field(default=2000, ge=1)
    """Writes per load task."""
