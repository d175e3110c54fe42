"""Which price book is which list: found by its name, or by its outlet, and never taken where it is for others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.bodies import body_of
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.models import many, read_live
from retail_sync.lightspeed.x_series.api.outlets import outlets_named
from retail_sync.lightspeed.x_series.api.paging import read_all
from retail_sync.lightspeed.x_series.api.references import created_id
from retail_sync.lightspeed.x_series.api.store import ALL_CUSTOMERS, StoreFacts, same_name
from retail_sync.lightspeed.x_series.api.wire import NamedId, PriceBook
from retail_sync.lightspeed.x_series.prices.bodies import PriceBookBody
from retail_sync.records.errors import ConfigurationFault, ProtocolFault
from retail_sync.records.prices import Book
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import Platform, PriceList
from retail_sync.transport.creating import NotMade, made_once

log = logging.getLogger(__name__)

PATH = "/price_books"
PAGE_SIZE = 200
BASE = "BASE"
PLATFORMS: dict[Platform, str] = {"all": "0", "in store": "1", "ecommerce": "2"}
LAST_DAY_INCLUDED = True
"""Whether a price book still counts on its last day. Not documented; the till's own screens speak of it as the last
day of the book."""


@dataclass(frozen=True)
class Books:
    """The live price books of a store, with what is needed to tell them apart."""

    books: Sequence[PriceBook]
    groups: Sequence[NamedId]
    facts: StoreFacts
    settings: SyncSettings

    def of(self, one: PriceList) -> PriceBook | None:
        """The book of a list that is in one; None where there is none yet. Raises ConfigurationFault where several may
        be meant, or where the one that is meant is for others than the list says."""
        found = self._candidates(one)
        if len(found) > 1:
            raise _fault(
                f"{len(found)} price books can be meant by the list {one.name!r}.",
                "Give the price book a name of its own and set lightspeed.price_book.",
            )
        if not found:
            return None
        wrong = self.differences(one, found[0])
        if wrong:
            raise _fault(
                f"The price book {found[0].name!r} is not as the list {one.name!r} says: {'; '.join(wrong)}.",
                "Nothing was written. Correct the book at the till, or the list.",
            )
        return found[0]

    def _candidates(self, one: PriceList) -> list[PriceBook]:
        general = [book for book in self.books if book.type != BASE]
        place = one.lightspeed
        if place.price_book is not None:
            return [book for book in general if same_name(book.name) == same_name(place.price_book)]
        wanted = {self.outlet_id(place.location or "")}
        return [
            book
            for book in general
            if {outlet.id for outlet in book.outlets or ()} == wanted
            and self._for_everybody(book)
            and not (book.valid_from or book.valid_to)
        ]

    def _for_everybody(self, book: PriceBook) -> bool:
        return not book.customer_groups or any(
            same_name(group.name) == same_name(ALL_CUSTOMERS) for group in book.customer_groups
        )

    def differences(self, one: PriceList, book: PriceBook) -> list[str]:
        """What of the book is not as the list says, as sentences."""
        place, found = one.lightspeed, []
        if place.customer_groups is not None:
            found += _other("customer groups", place.customer_groups, book.customer_groups)
        if place.locations is not None:
            outlets = [self._outlet_name(name) for name in place.locations]
            found += _other("outlets", outlets, book.outlets)
        for what, wanted, there in (
            ("valid_from", place.valid_from, book.valid_from),
            ("valid_to", place.valid_to, book.valid_to),
        ):
            if wanted is not None and _day(there, self._zone) != wanted:
                found.append(f"{what} is {there or 'open'}, not {wanted}")
        if place.platform is not None and (book.restrict_to_platform_key or "0") != PLATFORMS[place.platform]:
            found.append(
                f"platform is {book.restrict_to_platform_key or '0'}, not {PLATFORMS[place.platform]}"
            )
        return found

    def outlet_id(self, location: str) -> str:
        """The outlet behind a location. Raises ConfigurationFault where there is not just one."""
        same = outlets_named(self._outlet_name(location), self.facts.all_outlets)
        if len(same) != 1:
            raise _fault(f"Location {location}: there is not just one such outlet.", "Correct `locations`.")
        return same[0].id

    def _outlet_name(self, location: str) -> str:
        return next((one.outlet for one in self.settings.locations if one.name == location), location)

    def outlets_of(self, one: PriceList, book: PriceBook | None) -> list[str]:
        """Outlets for which the prices of a list count; their taxes decide how tax is converted."""
        if book is not None and book.outlets:
            live = {outlet.id for outlet in self.facts.all_outlets}
            return sorted({outlet.id for outlet in book.outlets} & live)
        if one.lightspeed.location is not None:
            return [self.outlet_id(one.lightspeed.location)]
        if one.lightspeed.locations is not None:
            return sorted(self.outlet_id(name) for name in one.lightspeed.locations)
        return [outlet.id for outlet in self.facts.outlets]

    def dates_of(self, book: PriceBook | PriceBookBody) -> Book:
        """`book`: one that is there, or one that is yet to be made, which has no id."""
        first, last = _day(book.valid_from, self._zone), _day(book.valid_to, self._zone)
        return Book(
            book.id if isinstance(book, PriceBook) else "",
            _moment(first, self._zone, last=False),
            _moment(last, self._zone, last=True),
            first.isoformat() if first else None,
            last.isoformat() if last else None,
            self._zone.key,
        )

    @property
    def _zone(self) -> ZoneInfo:
        return _zone(self.facts.retailer.timezone)

    def new_book(self, one: PriceList) -> PriceBookBody:
        """What to create for a list. Raises ConfigurationFault for a customer group that does not exist."""
        place = one.lightspeed
        groups = [self._group_id(name, one) for name in place.customer_groups or (ALL_CUSTOMERS,)]
        return PriceBookBody(
            name=place.price_book or one.name,
            customer_group_ids=groups,
            outlet_ids=self.outlets_of(one, None)
            if place.location or place.locations
            else [outlet.id for outlet in self.facts.all_outlets],
            valid_from=place.valid_from.isoformat() if place.valid_from else None,
            valid_to=place.valid_to.isoformat() if place.valid_to else None,
            restrict_to_platform=PLATFORMS[place.platform] if place.platform else None,
        )

    def _group_id(self, name: str, one: PriceList) -> str:
        found = [group.id for group in self.groups if same_name(group.name) == same_name(name)]
        if len(found) != 1:
            raise _fault(
                f"The list {one.name!r} is for the customer group {name!r}, of which the store has {len(found)}.",
                "Create the group at the till, or correct lightspeed.customer_groups.",
            )
        return found[0]


async def read_books(client: XSeriesClient, facts: StoreFacts, settings: SyncSettings) -> Books:
    """The store's price books, and its customer groups where a list is in a book."""
    if not any(one.in_book for one in settings.prices.synced):
        return Books((), (), facts, settings)
    books, groups = await asyncio.gather(
        _live_books(client), read_all(client, "/customer_groups", page_size=PAGE_SIZE)
    )
    return Books(books, many(NamedId, groups), facts, settings)


async def create_missing(client: XSeriesClient, books: Books, lists: Iterable[PriceList]) -> bool:
    """Make the price books that lists ask for and that are missing; whether any was made. Raises ConfigurationFault
    where one is missing that nobody may make. One that can't be had now stays missing (see `made_once`): prices that
    belong into it are held, and tried again by themselves."""
    made = False
    for one in lists:
        if not one.in_book or books.of(one) is not None:
            continue
        if not one.may_write(SYSTEM):
            continue
        if not one.create_price_book:
            raise _fault(
                f"The list {one.name!r} has no price book at the till.",
                "Create it there, correct the list, or set create_price_book: true.",
            )
        try:
            await _created(client, books, one)
        except NotMade as problem:
            # The prices of this list wait until there is a book; those of the others do not.
            log.warning("%s", problem)
            continue
        made = True
    return made


async def _created(client: XSeriesClient, books: Books, one: PriceList) -> str:
    """The id of the book that is made for a list."""

    async def send() -> str | None:
        return created_id((await client.post(PATH, body_of(books.new_book(one)))).value)

    async def look() -> str | None:
        found = replace(books, books=await _live_books(client)).of(one)
        return found.id if found else None

    return await made_once(f"The price book of the list {one.name!r}", system=SYSTEM, send=send, look=look)


async def _live_books(client: XSeriesClient) -> list[PriceBook]:
    return await read_live(client, PATH, PriceBook, page_size=PAGE_SIZE)


def require_books(books: Books, settings: SyncSettings) -> None:
    """Raises ConfigurationFault where a list is read from a price book that is not there: its prices would look as if
    they had all been taken away."""
    for one in settings.prices.synced:
        if one.in_book and one.owner != "commercetools" and books.of(one) is None:
            raise _fault(
                f"The list {one.name!r} has no price book at the till, and its prices are read there.",
                "Nothing was written. Create the book, or correct lightspeed.price_book of the list.",
            )


def _other(what: str, wanted: Iterable[str], there: Iterable[NamedId] | None) -> list[str]:
    names = {same_name(one.name): one.name for one in there or ()}
    if {same_name(name) for name in wanted} == set(names):
        return []
    told = ", ".join(sorted(names.values())) or "all"
    return [f"its {what} are {told}, not {', '.join(sorted(wanted))}"]


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _day(text: str | None, zone: ZoneInfo) -> date | None:
    """The first or last day of a book's validity in the store's zone; None = open. The description speaks of dates, and
    shows them with and without a time: midnight in UTC, or a time without zone, is a date that was written as a time
    (inferred); any other time is a moment, and counts for the day that it falls on in the store."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise ProtocolFault("A price book has a date that is none.", system=SYSTEM) from None
    if moment.tzinfo is None or moment == datetime.combine(moment.date(), time(), tzinfo=UTC):
        return moment.date()
    return moment.astimezone(zone).date()


def _moment(day: date | None, zone: ZoneInfo, *, last: bool) -> str | None:
    """The beginning or end of a day in UTC, written as online prices have it."""
    if day is None:
        return None
    if last and LAST_DAY_INCLUDED:
        day += timedelta(days=1)
    moment = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _fault(message: str, remedy: str) -> ConfigurationFault:
    return ConfigurationFault(message, system=SYSTEM, remedy=remedy)
