"""The whole configuration file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.settings.base import Settings
from include.settings.products import ProductSettings


class Shop(Settings):
    """What holds for all entities."""

    locales: tuple[str, ...] = ("en",)
    """Locales of the online shop, as commercetools spells them."""
    till_locale: str = "en"
    """The one locale Lightspeed shows."""


class Connections(Settings):
    commercetools: str = "commercetools_default"
    """Airflow connection id."""
    lightspeed: str = "lightspeed_default"


class Location(Settings):
    """A place that holds stock."""

    name: str
    outlet: str
    """Name of the Lightspeed outlet."""
    channel: str | None = None
    """Key of the commercetools supply channel."""
    owner: Literal["lightspeed", "commercetools", "external"] = "lightspeed"


class CommercetoolsLimits(Settings):
    page_size: int = Field(default=500, ge=1, le=500)
    overlap_seconds: int = Field(default=300, ge=120)
    """How far a delta looks back behind its cursor: rows can become visible late."""
    trail_seconds: int = Field(default=60, ge=0)
    """How far a window stays behind the server's clock."""
    concurrency: int = Field(default=6, ge=1, le=32)
    """Requests under way at once; adapts downwards when the API is busy."""
    timeout_seconds: float = Field(default=60, gt=0, le=60)
    retries: int = Field(default=4, ge=0)


class LightspeedLimits(Settings):
    page_size: int = Field(default=1000, ge=1, le=5000)
    """Undocumented maximum; 1000 is accepted by live stores (inferred)."""
    concurrency: int = Field(default=3, ge=1, le=32)
    budget_share: float = Field(default=0.8, gt=0, le=1)
    """Share of the store's rate limit this package may use; the tills need the rest."""
    timeout_seconds: float = Field(default=60, gt=0)
    retries: int = Field(default=4, ge=0)


class Limits(Settings):
    commercetools: CommercetoolsLimits = CommercetoolsLimits()
    lightspeed: LightspeedLimits = LightspeedLimits()
    body_bytes: int = Field(default=16_384, ge=0)
    """Longest request or response body kept in the audit trail."""
    failed_share: float = Field(default=0.2, ge=0, le=1)
    """A run in which more than this share of records fails is itself failed."""
    batch_size: int = Field(default=500, ge=1)
    """Products per load task."""


class Holds(Settings):
    first_retry_minutes: int = Field(default=15, ge=1)
    longest_retry_hours: int = Field(default=24, ge=1)


class Retention(Settings):
    exchanges_days: int = Field(default=14, ge=1)
    changes_days: int = Field(default=400, ge=1)
    inbox_days: int = Field(default=14, ge=1)
    staging_days: int = Field(default=3, ge=1)


class Notify(Settings):
    """Who is told. Connections are Airflow connections of type `http` and `smtp`; empty = nobody."""

    http_conn_id: str | None = None
    """A chat webhook; gets a JSON body with `text`."""
    http_endpoint: str = ""
    smtp_conn_id: str | None = None
    mail_to: tuple[str, ...] = ()
    mail_from: str | None = None
    holds_above: int = Field(default=25, ge=0)
    """Tell when a run ends with more open holds than this."""
    data_older_than_minutes: int = Field(default=180, ge=1)
    """Tell when an entity had no successful run for this long."""


class Schedules(Settings):
    products: str = "0 * * * *"
    reconcile: str = "30 3 * * 0"
    housekeeping: str = "15 2 * * *"
    preflight: str | None = None


class Privacy(Settings):
    """Fields that stop at the reader: they reach no page, table, log, exchange or screen."""

    exclude: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Per system, dotted names of wire fields (`custom.fields.note`, `attributes.internal-margin`)."""


class SyncSettings(Settings):
    """Configuration of commercetools <-> Lightspeed Retail sync."""

    version: Literal[1] = 1
    shop: Shop = Shop()
    connections: Connections = Connections()
    locations: tuple[Location, ...] = ()
    products: ProductSettings = ProductSettings()
    limits: Limits = Limits()
    holds: Holds = Holds()
    retention: Retention = Retention()
    notify: Notify = Notify()
    schedules: Schedules = Schedules()
    privacy: Privacy = Privacy()
