"""Stock: unknown locations, channels fed twice, rules that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

from retail_sync.records.channels import channel_name
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.inventory import Reserved
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import ChannelSetting, StockRule
from retail_sync.settings.models.product_fields import ATTR_PREFIX
from retail_sync.settings.validation.findings import Findings, repeated
from retail_sync.settings.validation.products import check_conditions


def check_inventory(settings: SyncSettings, found: Findings) -> None:
    """Everything about locations, channels and their rules that several settings say together."""
    _locations(settings, found.within("locations"))
    stock, inventory = settings.inventory, found.within("inventory")
    for position, key in repeated([one.key for one in stock.channels]):
        inventory.add(
            ("channels", position, "key"), f"{_called(key)} is declared twice.", "Keep one of them."
        )
    for position, channel in enumerate(stock.channels):
        here = inventory.within("channels", position)
        _fed_by(settings, channel, here)
        _offer(settings, channel, here.within("offer"))
        _rule(channel, channel.locations, here)
    places = [location.name for location in settings.locations]
    keys = [channel_name(one.channel) for one in settings.shown_channels]
    for position, override in enumerate(stock.overrides):
        here = inventory.within("overrides", position)
        for at, name in enumerate(override.channels):
            here.unknown(("channels", at), name, keys, "There is no channel {!r}.")
        _rule(override, places, here)
    _rule(stock.defaults, places, inventory.within("defaults"))
    for at, name in enumerate(stock.count_incoming):
        inventory.unknown(("count_incoming", at), name, places)


def _locations(settings: SyncSettings, found: Findings) -> None:
    """Names and outlets are used once; a channel by several locations only where `inventory.channels` says how."""
    shared = {one.key for one in settings.inventory.channels}
    for part in ("name", "outlet", "channel"):
        for position, value in repeated([getattr(location, part) for location in settings.locations]):
            if value is None or (part == "channel" and value in shared):
                continue
            remedy = f"Give each location its own {part}."
            if part == "channel":
                remedy += " For a channel that shows several, add it to `inventory.channels`."
            found.add((position, part), f"{value!r} is used by two locations.", remedy)
    for position, location in enumerate(settings.locations):
        if location.owner != "lightspeed" and location.channel is None:
            found.add(
                (position, "owner"),
                f"{location.owner} counts the stock of {location.name}, but no channel says what is there.",
                "Name the supply channel whose entries hold its figures in `channel`.",
            )


def _fed_by(settings: SyncSettings, channel: ChannelSetting, found: Findings) -> None:
    """A channel is fed once by each of its locations, all of them counted by Lightspeed."""
    owners = {location.name: location.owner for location in settings.locations}
    again = dict(repeated(channel.locations))
    for position, name in enumerate(channel.locations):
        at = ("locations", position)
        found.unknown(at, name, owners)
        if name in owners and position in again:
            found.add(at, f"{name!r} would feed {_called(channel.key)} twice.", "Name it once.")
        elif owners.get(name, "lightspeed") != "lightspeed":
            found.add(
                at,
                f"{owners[name]} counts the stock of {name}, so its figures are never written online.",
                "Leave it out, or let Lightspeed own the location.",
            )
    for location in settings.locations:
        names_it = location.channel is not None and location.channel == channel.key
        if names_it and location.name not in channel.locations:
            found.add(
                "locations",
                f"{location.name} names this channel, but is not among its locations.",
                f"Add {location.name!r} here, or remove `channel` from the location.",
            )
    if channel.fulfilled_by is not None:
        problem = f"{{!r}} does not feed {_called(channel.key)}."
        found.unknown("fulfilled_by", channel.fulfilled_by, channel.locations, problem)


def _offer(settings: SyncSettings, channel: ChannelSetting, found: Findings) -> None:
    offer = channel.offer
    check_conditions(offer, found)
    mapped = [name for name in settings.products.fields if name.startswith(ATTR_PREFIX)]
    if offer.attribute is not None:
        problem, otherwise = "`products.fields` maps no {!r}.", "Map it there first."
        found.unknown("attribute", offer.attribute, mapped, problem, otherwise)


def _rule(rule: StockRule, places: Sequence[str], found: Findings) -> None:
    for setting in ("shares", "safety_stock_at"):
        for name in getattr(rule, setting) or ():
            found.unknown((setting, name), name, places, "There is no location {!r} here.")
    if rule.shares and rule.aggregate not in (None, "share"):
        problem = f"Shares mean nothing with `aggregate: {rule.aggregate}`."
        found.add("shares", problem, "Use `aggregate: share`.")
    if rule.floor is not None and rule.show_at_most is not None and rule.floor > rule.show_at_most > 0:
        found.add(
            "floor",
            f"Less than {rule.floor} is shown as 0, and never more than {rule.show_at_most}: nothing would be left.",
            "Lower `floor` or raise `show_at_most`.",
        )
    if rule.pack_shows == "packs" and rule.pack_size is None:
        found.add("pack_shows", "Packs need a size.", "Add `pack_size`.")


def _called(key: str | None) -> str:
    return f"channel {key!r}" if key else "the stock without a channel"


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
