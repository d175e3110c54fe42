"""At which location the lines of an order are sold, and at which register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retail_sync.records.orders import Order
from retail_sync.records.sales import Register
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.orders import OrderPlace
from retail_sync.sync.orders.amounts import Amount
from retail_sync.sync.orders.plan import Held, World
from retail_sync.sync.orders.saying import held


@dataclass(frozen=True)
class Part:
    """The lines one location serves."""

    location: str
    amounts: tuple[Amount, ...]

    @property
    def gross(self) -> int:
        return sum(one.gross for one in self.amounts)

    @property
    def tax(self) -> int:
        return sum(one.tax for one in self.amounts)


def parts_of(order: Order, amounts: Sequence[Amount], settings: SyncSettings) -> list[Part]:
    """The parts of an order, the one of its first line first. Raises Held (`no_location`).

    What no location serves by itself (shipping, custom lines, lines of a channel nobody shows) goes with the goods of
    the base location, else with the part that costs most. An order is never cut so that a part costs less than
    nothing."""
    base = base_location(order, settings)
    by_location: dict[str, list[Amount]] = {}
    loose: list[Amount] = []
    for one in amounts:
        location = _served_by(one, settings)
        if location is None and one.line.kind == "article":
            location = base
            if location is None:
                raise _nowhere(order)
        if location is None:
            loose.append(one)
        else:
            by_location.setdefault(location, []).append(one)
    if loose:
        by_location.setdefault(_of_loose(order, base, by_location), []).extend(loose)
    parts = [_in_order(location, those, amounts) for location, those in by_location.items()]
    if len(parts) > 1 and any(part.gross < 0 for part in parts):
        most = max(parts, key=lambda part: part.gross)
        location = base if base in by_location else most.location
        assert location is not None
        return [Part(location, tuple(amounts))]
    return sorted(parts, key=lambda part: amounts.index(part.amounts[0]))


def base_location(order: Order, settings: SyncSettings) -> str | None:
    """Where an order is sold as far as no channel says otherwise."""
    fitting = (one.location for one in settings.orders.places if _fits(one, order))
    return next(fitting, settings.orders.location)


def location_of_channel(channel: str | None, settings: SyncSettings) -> str | None:
    """The one location that serves a supply channel; None: no single one does."""
    if channel is None:
        return None
    for location in settings.locations:
        if location.channel == channel:
            return location.name
    for one in settings.inventory.channels:
        if one.key == channel:
            return one.fulfilled_by or (one.locations[0] if len(one.locations) == 1 else None)
    return None


def register_of(location: str, world: World) -> Register:
    """The open register of a location's web orders. Raises Held (`no_register`, `register_closed`)."""
    name = world.settings.orders.registers.get(location)
    if name is None:
        raise _no_register(
            location, f"No register is named for {location!r}.", "Add it to `orders.registers`."
        )
    register = world.terms.registers.get(name)
    outlet = outlet_of(location, world)
    if register is None or outlet is None or register.outlet_id != outlet:
        raise _no_register(
            location,
            f"The till has no register {name!r} at the outlet of {location!r}.",
            "Correct `orders.registers`, or add the register at the till.",
        )
    return require_open(register)


def require_open(register: Register) -> Register:
    """Raises Held (`register_closed`): a closed register takes neither sales nor payments."""
    if not register.is_open:
        raise held(
            "register_closed",
            f"The register {register.name!r} is closed.",
            "Open the register; the order is tried again by itself.",
            field="register",
            register=register.name,
        )
    return register


def outlet_of(location: str, world: World) -> str | None:
    """Id of the outlet of a location."""
    for one in world.settings.locations:
        if one.name == location:
            return world.terms.outlets.get(one.outlet)
    return None


def _served_by(one: Amount, settings: SyncSettings) -> str | None:
    if settings.orders.split == "never" or one.line.kind != "article":
        return None
    return location_of_channel(one.line.channel, settings)


def _of_loose(order: Order, base: str | None, parts: dict[str, list[Amount]]) -> str:
    if base is not None and (base in parts or not parts):
        return base
    if not parts:
        raise _nowhere(order)
    return max(parts, key=lambda location: sum(one.gross for one in parts[location]))


def _in_order(location: str, those: Iterable[Amount], amounts: Sequence[Amount]) -> Part:
    return Part(location, tuple(sorted(those, key=amounts.index)))


def _fits(place: OrderPlace, order: Order) -> bool:
    return (
        place.store in (None, order.store)
        and place.channel in (None, order.channel)
        and place.country in (None, order.country)
        and place.shipping_method in (None, order.shipping_method)
    )


def _nowhere(order: Order) -> Held:
    return held(
        "no_location",
        "No entry of `orders.places` fits the order, and there is no `orders.location`.",
        "Set `orders.location`, or add an entry to `orders.places`.",
        field="location",
        store=order.store,
        channel=order.channel,
        country=order.country,
        shipping_method=order.shipping_method,
    )


def _no_register(location: str, message: str, release: str) -> Held:
    return held("no_register", message, release, field="register", location=location)
