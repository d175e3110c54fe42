"""The whole configuration file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retail_sync.settings.base import Settings
from retail_sync.settings.customers import CustomerSettings
from retail_sync.settings.inventory import ChannelSetting, InventorySettings, Opening
from retail_sync.settings.orders import OrderSettings
from retail_sync.settings.prices import PriceSettings
from retail_sync.settings.products import ProductSettings
from retail_sync.settings.realtime import RealtimeSettings
from retail_sync.settings.sales import SaleSettings


class Shop(Settings):
    """What holds for all entities."""

    locales: tuple[str, ...] = ("en",)
    """Locales of the online shop, as commercetools spells them."""
    till_locale: str = "en"
    """The one locale Lightspeed shows."""


class Connections(Settings):
    """The Airflow connections that hold hosts and secrets."""

    commercetools: str = "commercetools_default"
    """Airflow connection id."""
    lightspeed: str = "lightspeed_default"
    """Airflow connection id."""


class Location(Settings):
    """A place that holds stock."""

    name: str
    """Its name in plans and reports."""
    outlet: str
    """Name of the Lightspeed outlet."""
    channel: str | None = None
    """Key of the commercetools supply channel that shows this location alone; channels with rules of their own, or with
    several locations, are in `inventory.channels`. Where somebody else than Lightspeed counts the stock: the channel
    whose entries are read."""
    owner: Literal["lightspeed", "commercetools", "external"] = "lightspeed"
    """Who counts the stock there. An entry of a location that Lightspeed does not own is never written; its figure is
    written to Lightspeed instead."""
    opening: Opening = Opening()
    """When its stock counts online."""


class CommercetoolsLimits(Settings):
    """How commercetools is read and written."""

    page_size: int = Field(default=500, ge=1, le=500)
    """Rows asked for at once; 500 is the most the API gives."""
    overlap_seconds: int = Field(default=300, ge=120)
    """How far a delta looks back behind its cursor: rows can become visible late."""
    trail_seconds: int = Field(default=60, ge=0)
    """How far a window stays behind the server's clock."""
    concurrency: int = Field(default=6, ge=1, le=32)
    """Requests under way at once; adapts downwards when the API is busy."""
    timeout_seconds: float = Field(default=60, gt=0, le=60)
    """Longest wait for one answer; the API itself gives up after 60."""
    answer_megabytes: int = Field(default=32, ge=1, le=1024)
    """Largest answer that is taken, unpacked; of a list that is longer, half as many rows are asked for. While it is
    read, a task needs up to twenty times as much memory."""
    retries: int = Field(default=4, ge=0)
    """Repeats of one request, where repeating can do no harm."""
    most_asked: int = Field(default=5000, ge=1)
    """How many records a read asks for one by one, by their ids, where its lists do not show what is known. Above it
    the run stops: a list that came short is far more likely than so many deletions."""


class LightspeedLimits(Settings):
    """How Lightspeed is read and written."""

    page_size: int = Field(default=1000, ge=1, le=5000)
    """Undocumented maximum; 1000 is accepted by live stores (inferred)."""
    concurrency: int = Field(default=3, ge=1, le=32)
    """Requests under way at once."""
    budget_share: float = Field(default=0.8, gt=0, le=1)
    """Share of the store's rate limit this package may use; the tills need the rest."""
    timeout_seconds: float = Field(default=60, gt=0)
    """Longest wait for one answer."""
    answer_megabytes: int = Field(default=32, ge=1, le=1024)
    """Largest answer that is taken, unpacked; of a list that is longer, half as many rows are asked for. While it is
    read, a task needs up to twenty times as much memory."""
    retries: int = Field(default=4, ge=0)
    """Repeats of one request, where repeating can do no harm."""
    most_asked: int = Field(default=1000, ge=1)
    """How many records a read asks for one by one, by their ids, where its lists do not show what is known. Above it
    the run stops: a list that came short is far more likely than so many deletions."""


class Limits(Settings):
    """How fast and in which portions; the defaults suit a shop of some ten thousand products."""

    commercetools: CommercetoolsLimits = CommercetoolsLimits()
    """How commercetools is read and written."""
    lightspeed: LightspeedLimits = LightspeedLimits()
    """How Lightspeed is read and written."""
    body_bytes: int = Field(default=16_384, ge=0)
    """Longest request or response body kept in the audit trail."""
    failed_share: float = Field(default=0.2, ge=0, le=1)
    """A run in which more than this share of records fails is itself failed."""
    failed_least: int = Field(default=3, ge=1)
    """Fewer failures than this never fail a run, however small it is: one refused order among two is a hold, and no
    reason to wake anybody."""
    batch_size: int = Field(default=500, ge=1)
    """Products per load task."""


class Holds(Settings):
    """When a record that was kept back is tried again: first soon, then less and less often."""

    first_retry_minutes: int = Field(default=15, ge=1)
    """Minutes until the first new try."""
    longest_retry_hours: int = Field(default=24, ge=1)
    """Hours between tries at most."""


class Retention(Settings):
    """How long the ledger and the staging store keep what is no longer needed."""

    exchanges_days: int = Field(default=14, ge=1)
    """Requests and responses."""
    changes_days: int = Field(default=400, ge=1)
    """The audit trail of changes."""
    inbox_days: int = Field(default=14, ge=1)
    """Webhook and queue events."""
    staging_days: int = Field(default=3, ge=1)
    """Files that tasks hand to each other."""


class Notify(Settings):
    """Who is told. Connections are Airflow connections of type `http` and `smtp`; empty = nobody."""

    http_conn_id: str | None = None
    """A chat webhook; gets a JSON body with `text`."""
    http_endpoint: str = ""
    """Path below the host of that connection."""
    smtp_conn_id: str | None = None
    """A mail server."""
    mail_to: tuple[str, ...] = ()
    """Addresses that get the mails."""
    mail_from: str | None = None
    """Sender; empty = the one of the connection."""
    holds_above: int = Field(default=25, ge=0)
    """Tell when a run ends with more open holds than this."""
    data_older_than_minutes: int = Field(default=180, ge=1)
    """Tell when an entity had no successful run for this long."""


class Schedules(Settings):
    """When each DAG runs by itself: five cron fields (UTC) or a word such as `@daily`; null = only by hand."""

    products: str | None = "0 * * * *"
    """Changes of products, both ways. A missed slot loses nothing."""
    prices: str | None = "10 * * * *"
    """Prices, after products."""
    inventory: str | None = "15 * * * *"
    """Stock. Runs at once, too, when its doorbell rings."""
    customers: str | None = "20 * * * *"
    """Customers, both ways."""
    orders: str | None = "*/10 * * * *"
    """Web orders to the till. Runs at once, too, when its doorbell rings."""
    sales: str | None = "40 * * * *"
    """In-store sales to online profiles."""
    reconcile: str | None = "30 3 * * 0"
    """Both sides in full, as a report."""
    housekeeping: str | None = "15 2 * * *"
    """Deletes what retention no longer keeps."""
    preflight: str | None = None
    """Connections, scopes and every mapping."""
    subscribe: str | None = "50 4 * * *"
    """Webhooks and subscriptions, checked and repaired."""


class Privacy(Settings):
    """Fields that stop at the reader: they reach no page, table, log, exchange or screen."""

    exclude: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Per system, dotted names of wire fields (`custom.fields.note`, `attributes.internal-margin`)."""


class SyncSettings(Settings):
    """Configuration of commercetools <-> Lightspeed Retail sync."""

    version: Literal[1] = 1
    """Format of this file."""
    shop: Shop = Shop()
    """What holds for all entities."""
    connections: Connections = Connections()
    """The Airflow connections that hold hosts and secrets."""
    locations: tuple[Location, ...] = ()
    """The places that hold stock."""
    products: ProductSettings = ProductSettings()
    """Products and variants."""
    prices: PriceSettings = PriceSettings()
    """Lists of prices."""
    inventory: InventorySettings = InventorySettings()
    """Stock per channel."""
    customers: CustomerSettings = CustomerSettings()
    """Customers."""
    orders: OrderSettings = OrderSettings()
    """Web orders, written to the till."""
    sales: SaleSettings = SaleSettings()
    """In-store sales, shown online."""
    realtime: RealtimeSettings = RealtimeSettings()
    """Near real time: who tells of changes, and where to."""
    limits: Limits = Limits()
    """How fast and in which portions."""
    holds: Holds = Holds()
    """When a record that was kept back is tried again."""
    retention: Retention = Retention()
    """How long records of the past are kept."""
    notify: Notify = Notify()
    """Who is told of failures and of too many holds."""
    schedules: Schedules = Schedules()
    """When each DAG runs by itself."""
    privacy: Privacy = Privacy()
    """Fields that stop at the reader."""

    @property
    def shown_channels(self) -> tuple[ChannelSetting, ...]:
        """Every channel whose entries are written: those of `inventory.channels`, and those that locations of the till
        name."""
        named = {one.key for one in self.inventory.channels}
        alone = (
            ChannelSetting(key=location.channel, locations=(location.name,))
            for location in self.locations
            if location.owner == "lightspeed"
            and location.channel is not None
            and location.channel not in named
        )
        return (*self.inventory.channels, *alone)

    @property
    def synced_entities(self) -> tuple[str, ...]:
        """The entities this configuration syncs, in the order of a first alignment."""
        wanted = {
            "products": True,
            "prices": self.prices.synced,
            "inventory": bool(self.locations),
            "customers": self.customers.synced,
            "orders": self.orders.exported,
            "sales": self.sales.target != "none",
        }
        return tuple(name for name, synced in wanted.items() if synced)

    @property
    def followed_entities(self) -> tuple[str, ...]:
        """The entities that look at once when they are told of a change."""
        wanted = self.realtime.entities
        return tuple(name for name in self.synced_entities if wanted is None or name in wanted)
