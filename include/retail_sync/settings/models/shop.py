"""What holds for all entities: the shop, its places, its connections, and what nobody may see."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retail_sync.settings.models.base import Settings
from retail_sync.settings.models.inventory import Opening


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


class Privacy(Settings):
    """Fields that stop at the reader: they reach no page, table, log, exchange or screen."""

    exclude: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Per system, dotted names of wire fields (`custom.fields.note`, `attributes.internal-margin`)."""
