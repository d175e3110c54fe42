"""Which locations feed which channels today: the configuration, with outlets found and opening days applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from retail_sync.records.channels import NO_CHANNEL, channel_name
from retail_sync.records.ports.inventory import Reserved
from retail_sync.records.types import canonical_json
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import WEEKDAYS, ChannelSetting, Offer, Opening, StockRule

RULE_FIELDS = tuple(StockRule.model_fields)


@dataclass(frozen=True)
class Place:
    """A location: where it is at the till, whether it is open now, and whether the till counts its stock."""

    name: str
    outlet_id: str
    open: bool
    counted_by_till: bool
    channel: str
    """For a location that the till does not count: the channel whose entries say what is there."""


@dataclass(frozen=True)
class Shelf:
    """One channel: the locations it shows, in order, and the rules it shows them by."""

    channel: str
    places: tuple[str, ...]
    fulfilled_by: str | None
    """The location that serves its web orders; None = any of them."""
    rule: StockRule
    offer: Offer = Offer()
    outside_offer: str = "zero"

    @property
    def name(self) -> str:
        return channel_name(self.channel)


@dataclass(frozen=True)
class Layout:
    """`places` by name. `reserved`: whose goods entries keep back. `state` changes whenever the same levels might give
    other figures: other rules, other outlets, a location that opened or closed, carts that reserve from now on."""

    places: Mapping[str, Place]
    shelves: tuple[Shelf, ...]
    reserved: Reserved = "orders"
    state: str = field(default="")

    def shelf(self, channel: str) -> Shelf | None:
        return next((one for one in self.shelves if one.channel == channel), None)

    def sharing(self, shelf: Shelf) -> list[Shelf]:
        """Shelves that show at least one location of this one, itself included."""
        return [one for one in self.shelves if set(one.places) & set(shelf.places)]

    @property
    def foreign(self) -> tuple[Place, ...]:
        """Locations that the till does not count."""
        return tuple(place for place in self.places.values() if not place.counted_by_till)

    @property
    def places_by_outlet(self) -> dict[str, str]:
        """Names of the locations by the ids of their outlets."""
        return {place.outlet_id: name for name, place in self.places.items()}


def layout_of(
    settings: SyncSettings, outlets: Mapping[str, str], now: datetime, *, reserved: Reserved
) -> Layout:
    """The layout at `now`. `outlets`: outlet ids by location name."""
    places = {
        location.name: Place(
            location.name,
            outlets[location.name],
            is_open(location.opening, now),
            location.owner == "lightspeed",
            location.channel or NO_CHANNEL,
        )
        for location in settings.locations
    }
    shelves = tuple(_shelf(one, settings.inventory.defaults) for one in settings.shown_channels)
    told = {
        "inventory": settings.inventory.model_dump(mode="json"),
        "places": [(p.name, p.outlet_id, p.open, p.counted_by_till, p.channel) for p in places.values()],
        "reserved": reserved,
    }
    state = blake2b(canonical_json(told).encode(), digest_size=12).hexdigest()
    return Layout(places, shelves, reserved, state)


def _shelf(setting: ChannelSetting, defaults: StockRule) -> Shelf:
    only = setting.locations[0] if len(setting.locations) == 1 else None
    return Shelf(
        channel=setting.channel,
        places=setting.locations,
        fulfilled_by=setting.fulfilled_by or only,
        rule=merged_rule((defaults, setting)),
        offer=setting.offer,
        outside_offer=setting.outside_offer,
    )


def merged_rule(rules: Iterable[StockRule]) -> StockRule:
    """One rule in which each setting is that of the last rule that has it."""
    chosen: dict[str, Any] = {}
    for rule in rules:
        chosen |= {name: value for name in RULE_FIELDS if (value := getattr(rule, name)) is not None}
    return StockRule(**chosen)


def is_open(opening: Opening, now: datetime) -> bool:
    """Whether the location takes part on the day it is there."""
    today = now.astimezone(ZoneInfo(opening.time_zone)).date()
    if any(closure.first <= today <= closure.last for closure in opening.closed):
        return False
    return WEEKDAYS[today.weekday()] in opening.days
