"""What no single setting of stock can see: unknown locations, channels fed twice, rules that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retail_sync.records.channels import channel_name
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.inventory import Reserved
from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.fields import ATTR_PREFIX
from retail_sync.settings.inventory import ChannelSetting, StockRule
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.problems import did_you_mean


def location_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Names and outlets are used once; a channel by several locations only where `inventory.channels` says how."""
    shared = {one.key for one in settings.inventory.channels}
    for part in ("name", "outlet", "channel"):
        values = [getattr(location, part) for location in settings.locations]
        for position, value in enumerate(values):
            if value is None or values.index(value) == position or (part == "channel" and value in shared):
                continue
            remedy = f"Give each location its own {part}."
            if part == "channel":
                remedy += " For a channel that shows several, add it to `inventory.channels`."
            yield Problem(("locations", position, part), f"{value!r} is used by two locations.", remedy)
    for position, location in enumerate(settings.locations):
        if location.owner != "lightspeed" and location.channel is None:
            yield Problem(
                ("locations", position, "owner"),
                f"{location.owner} counts the stock of {location.name}, but no channel says what is there.",
                "Name the supply channel whose entries hold its figures in `channel`.",
            )


def channel_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Every channel is declared once, and fed once by each of its locations, all of them counted by Lightspeed."""
    keys = [one.key for one in settings.inventory.channels]
    for position, channel in enumerate(settings.inventory.channels):
        loc: Loc = ("inventory", "channels", position)
        if keys.index(channel.key) < position:
            yield Problem((*loc, "key"), f"{_called(channel)} is declared twice.", "Keep one of them.")
        yield from _fed_by(settings, channel, loc)
        yield from _offer(settings, channel, loc)
        yield from _rule(channel, loc, channel.locations)


def _fed_by(settings: SyncSettings, channel: ChannelSetting, loc: Loc) -> Iterator[Problem]:
    known = {location.name: location for location in settings.locations}
    for position, name in enumerate(channel.locations):
        here: Loc = (*loc, "locations", position)
        if name not in known:
            yield Problem(here, f"There is no location {name!r}.", did_you_mean(name, list(known)))
        elif channel.locations.index(name) < position:
            yield Problem(here, f"{name!r} would feed {_called(channel)} twice.", "Name it once.")
        elif known[name].owner != "lightspeed":
            yield Problem(
                here,
                f"{known[name].owner} counts the stock of {name}, so its figures are never written online.",
                "Leave it out, or let Lightspeed own the location.",
            )
    for location in settings.locations:
        if (
            location.channel is not None
            and location.channel == channel.key
            and location.name not in channel.locations
        ):
            yield Problem(
                (*loc, "locations"),
                f"{location.name} names this channel, but is not among its locations.",
                f"Add {location.name!r} here, or remove `channel` from the location.",
            )
    if channel.fulfilled_by is not None and channel.fulfilled_by not in channel.locations:
        yield Problem(
            (*loc, "fulfilled_by"),
            f"{channel.fulfilled_by!r} does not feed {_called(channel)}.",
            did_you_mean(channel.fulfilled_by, channel.locations),
        )


def _offer(settings: SyncSettings, channel: ChannelSetting, loc: Loc) -> Iterator[Problem]:
    offer = channel.offer
    if (offer.attribute is None) != (offer.attribute_value is None):
        yield Problem(
            (*loc, "offer"), "`attribute` and `attribute_value` belong together.", "Give both or neither."
        )
    mapped = [name for name in settings.products.fields if name.startswith(ATTR_PREFIX)]
    if offer.attribute is not None and offer.attribute not in mapped:
        yield Problem(
            (*loc, "offer", "attribute"),
            f"`products.fields` maps no {offer.attribute!r}.",
            did_you_mean(offer.attribute, mapped, "Map it there first."),
        )
    both = sorted(set(offer.skus) & set(offer.exclude_skus))
    if both:
        yield Problem(
            (*loc, "offer", "exclude_skus"),
            f"In both lists: {', '.join(both)}.",
            "Keep each SKU in one list.",
        )


def override_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Overrides speak of channels and locations that exist."""
    places = [location.name for location in settings.locations]
    keys = [channel_name(one.channel) for one in settings.shown_channels]
    for position, override in enumerate(settings.inventory.overrides):
        loc: Loc = ("inventory", "overrides", position)
        for at, name in enumerate(override.channels):
            if name not in keys:
                yield Problem(
                    (*loc, "channels", at), f"There is no channel {name!r}.", did_you_mean(name, keys)
                )
        yield from _rule(override, loc, places)
    yield from _rule(settings.inventory.defaults, ("inventory", "defaults"), places)


def _rule(rule: StockRule, loc: Loc, places: Sequence[str]) -> Iterator[Problem]:
    for setting in ("shares", "safety_stock_at"):
        for name in getattr(rule, setting) or ():
            if name not in places:
                yield Problem(
                    (*loc, setting, name), f"There is no location {name!r} here.", did_you_mean(name, places)
                )
    if rule.shares and rule.aggregate not in (None, "share"):
        yield Problem(
            (*loc, "shares"),
            f"Shares mean nothing with `aggregate: {rule.aggregate}`.",
            "Use `aggregate: share`.",
        )
    if rule.floor is not None and rule.show_at_most is not None and rule.floor > rule.show_at_most > 0:
        yield Problem(
            (*loc, "floor"),
            f"Less than {rule.floor} is shown as 0, and never more than {rule.show_at_most}: nothing would be left.",
            "Lower `floor` or raise `show_at_most`.",
        )
    if rule.pack_shows == "packs" and rule.pack_size is None:
        yield Problem((*loc, "pack_shows"), "Packs need a size.", "Add `pack_size`.")


def inventory_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Locations and reasons named elsewhere in `inventory`."""
    places = [location.name for location in settings.locations]
    for position, name in enumerate(settings.inventory.count_incoming):
        if name not in places:
            yield Problem(
                ("inventory", "count_incoming", position),
                f"There is no location {name!r}.",
                did_you_mean(name, places),
            )


def _called(channel: ChannelSetting) -> str:
    return f"channel {channel.key!r}" if channel.key else "the stock without a channel"


def require_reserved(settings: SyncSettings, project: Reserved) -> Reserved:
    """What entries have reserved, as the project is set up. Raises ConfigurationFault where `inventory.reserved` says
    something else: goods in carts would be offered again, or goods that nobody holds would be kept back."""
    stated = settings.inventory.reserved
    if stated in ("project", project):
        return project
    found = (
        "the project lets carts reserve (`reservationExpirationInMinutes` is set)"
        if project == "carts"
        else "no cart of the project can reserve (`reservationExpirationInMinutes` is not set)"
    )
    raise ConfigurationFault(
        f"`inventory.reserved` is {stated}, but {found}.",
        remedy="Remove `inventory.reserved` from the configuration file, or change the project.",
    )
