"""What stands in a place: the quote of a list in each system, read from what the mirror holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.currencies import minor_digits
from retail_sync.records.prices import TILL_DECIMALS, Book, Quote, TillTerms
from retail_sync.settings.models.prices import PriceList, Validity
from retail_sync.sync.prices.conversion import Side, moved, to_digits
from retail_sync.sync.prices.feeds import Terms


@dataclass(frozen=True)
class Standing:
    """One place of a list. `known`: whether it is known what stands there; `quote`: None = nothing does. `problem`: why
    what stands there can't be read as a quote (it can be replaced, but not taken over). `at`: source time of the last
    change of its record. `other_dates`: which prices with dates are there, none of them for the days of the book; empty
    where there are none. `record`: what writing it back needs (online: the offer; at the till: the lines)."""

    known: bool
    quote: Quote | None = None
    problem: str = ""
    other_dates: str = ""
    at: datetime | None = None
    record: Any = field(default=None, compare=False)


UNKNOWN = Standing(known=False)


# ---------------------------------------------------------------- online


def validity_of(one: PriceList, book: Book | None) -> Validity:
    """Which online prices count for a list (see its setting)."""
    if one.validity is not None:
        return one.validity
    if book is not None and (book.begins or book.ends):
        return "book"
    return "in force" if one.owner == "commercetools" else "standing"


def online_standing(one: PriceList, variant: MirrorRow, book: Book | None, now: datetime) -> Standing:
    """What the online system shows for a variant in the place of a list."""
    listed = variant.fields["offers"].get(one.name)
    if listed is None:
        return UNKNOWN  # the list is newer than the read
    validity = validity_of(one, book)
    offer = _that_counts(listed, validity, book, now)
    if offer is None:
        other_dates = _for_other_days(listed, book, now) if validity == "book" and book else ""
        return Standing(True, at=variant.modified_at, other_dates=other_dates)
    tiers = tuple((int(units), Decimal(amount)) for units, amount in offer["tiers"])
    quote = Quote(Decimal(offer["amount"]), tiers if one.in_book else ())
    return Standing(True, quote, at=variant.modified_at, record=offer)


def _that_counts(
    offers: Sequence[Mapping[str, Any]], validity: Validity, book: Book | None, now: datetime
) -> Mapping[str, Any] | None:
    """The offer that counts: of the list's own country before one for all, with dates before one without, begun last
    before others."""
    if validity == "book":
        fitting = [offer for offer in offers if book is not None and _is_for_the_days_of(book, offer)]
    else:
        fitting = [offer for offer in offers if _in_force(offer, now)]
        if validity == "standing":
            fitting = [offer for offer in fitting if not _dated(offer)]
    return min(fitting, key=_rank, default=None)


def _is_for_the_days_of(book: Book, offer: Mapping[str, Any]) -> bool:
    """Whether an offer counts on the days of a book: a book knows whole days in the store's zone, and who enters an
    online price may let it end on the stroke of midnight, or a second or a millisecond before."""
    return _days(offer, ZoneInfo(book.zone)) == (book.first_day, book.last_day)


def _days(offer: Mapping[str, Any], zone: ZoneInfo) -> tuple[str | None, str | None]:
    """The first and the last day on which an offer counts; its end is exclusive."""
    begins, ends = _time(offer["from"]), _time(offer["until"])
    last = None if ends is None else ends - timedelta(microseconds=1)
    return _date_in(zone, begins), _date_in(zone, last)


def _date_in(zone: ZoneInfo, moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(zone).date().isoformat()


def _for_other_days(offers: Sequence[Mapping[str, Any]], book: Book, now: datetime) -> str:
    """A sentence with both spans where offers with dates are there that have not ended, and the book has not either;
    empty otherwise."""
    ends = _time(book.ends)
    zone = ZoneInfo(book.zone)
    spans = {
        _span(*_days(offer, zone))
        for offer in offers
        if _dated(offer) and not ((until := _time(offer["until"])) is not None and until <= now)
    }
    if not spans or (ends is not None and ends <= now):
        return ""
    return f"the price book counts {_span(book.first_day, book.last_day)}, online prices {', '.join(sorted(spans))}"


def _span(first: str | None, last: str | None) -> str:
    return f"from {first or 'any day'} to {last or 'any day'}"


def turned_at(one: PriceList, variant: MirrorRow, now: datetime) -> datetime | None:
    """When a price of the place last began or ended by its own dates; None = none has."""
    offers = variant.fields["offers"].get(one.name) or ()
    turns = [turn for offer in offers for turn in (_time(offer["from"]), _time(offer["until"])) if turn]
    return max((turn for turn in turns if turn <= now), default=None)


def _in_force(offer: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = _time(offer["from"]), _time(offer["until"])
    return (begins is None or begins <= now) and (ends is None or now < ends)


def _dated(offer: Mapping[str, Any]) -> bool:
    return offer["from"] is not None or offer["until"] is not None


def _rank(offer: Mapping[str, Any]) -> tuple[bool, bool, float]:
    begins = _time(offer["from"])
    return not offer["own"], not _dated(offer), -(begins.timestamp() if begins else 0.0)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def online_side(one: PriceList, variant: MirrorRow, terms: Terms) -> Side | None:
    """How the online system holds the prices of a variant in a list; None where it can't be told whether tax is in
    them."""
    term = terms.online.taxes.get(one.name, {}).get(variant.fields["tax"])
    if term is None or term.included is None:
        return None
    place = one.commercetools
    digits = place.high_precision_digits or minor_digits(place.currency)
    return Side(term.included, term.rate, place.currency, digits)


# ---------------------------------------------------------------- at the till


@dataclass(frozen=True)
class Line:
    """One line of an article in a price book. `min_units` None = from one unit on."""

    min_units: int | None
    max_units: int | None
    amount: Decimal
    """On the side of tax that writing wants."""
    tax_id: str


def till_standing(
    one: PriceList, article: MirrorRow, entries: Sequence[MirrorRow], terms: TillTerms
) -> Standing:
    """What the till shows for an article in the place of a list."""
    if one.lightspeed.base:
        amount = article.fields["amount"]
        if amount is None:
            return UNKNOWN
        return Standing(True, Quote(Decimal(amount)), at=article.modified_at)
    book = terms.books.get(one.name)
    if book is None and one.owner != "commercetools":
        return UNKNOWN  # a book that can't be found is no empty one
    own = [row for row in entries if book is not None and row.fields["book"] == book.id]
    if not own:
        return Standing(True, at=article.modified_at, record=())
    at = max((row.modified_at for row in own if row.modified_at), default=None)
    quote, problem = _of_lines(own, terms)
    return Standing(True, quote, problem, at=at, record=tuple(own))


def _of_lines(entries: Sequence[MirrorRow], terms: TillTerms) -> tuple[Quote | None, str]:
    """The quote of an article's lines, or why they make none."""
    steps: dict[int, Decimal] = {}
    ends: dict[int, int | None] = {}
    for row in entries:
        if row.fields["amount"] is None:
            return None, "a line has no price"
        low, high = (_units(row.fields[name]) for name in ("min", "max"))
        if low is False or high is False:
            return None, "a quantity is not a whole number"
        start = max(int(low or 1), 1)
        if start in steps:
            return None, f"two lines begin at {start}"
        steps[start], ends[start] = Decimal(row.fields["amount"]), None if high is None else int(high)
    starts = sorted(steps)
    if starts[0] != 1:
        return None, f"there is no price below {starts[0]} units"
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        end = ends[start]
        if end is not None and (following is None or end != following - 1):
            return None, f"the price from {start} on ends at {end} units"
    rates = {terms.rates.get(row.fields["tax"] or "") for row in entries}
    if len(rates) > 1:
        return None, "its lines have different taxes"
    return Quote(steps[1], tuple((start, steps[start]) for start in starts[1:])), ""


def _units(value: str | None) -> int | bool | None:
    """Whole units; None = open; False = not whole."""
    if value is None:
        return None
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else False


@dataclass(frozen=True)
class TillSide:
    """How the till holds the prices of an article in a list: as it is read, and as it is written, which differs in a
    price book of a store that keeps tax in its prices. `tax_id`: the article's tax there; None = no single one."""

    read: Side
    write: Side
    tax_id: str | None

    @property
    def can_be_read_back(self) -> bool:
        """Whether a line of a price book can be made, and what it will show is known."""
        return self.tax_id is not None and (
            self.read.included == self.write.included or self.write.rate is not None
        )


def till_side(one: PriceList, article: MirrorRow, terms: TillTerms, standing: Standing) -> TillSide:
    """See `TillSide`. What is read of a book is without tax, by the tax that its lines name."""
    tax_id, rate = terms.tax_of(one.name, article.fields["taxes"])
    write = Side(terms.tax_included, rate, terms.currency, _till_digits(terms.tax_included, terms.currency))
    if one.lightspeed.base:
        return TillSide(write, write, tax_id)
    lines = standing.record or ()
    named = terms.rates.get(lines[0].fields["tax"] or "") if lines else rate
    return TillSide(Side(False, named, terms.currency, _till_digits(False, terms.currency)), write, tax_id)


def _till_digits(included: bool, currency: str) -> int:
    minor = minor_digits(currency)
    return minor if included else max(TILL_DECIMALS, minor)


def as_read(quote: Quote, side: TillSide) -> Quote:
    """A quote that was written, as the till will show it."""
    if side.read.included == side.write.included:
        return quote
    return quote.with_amounts(
        [
            to_digits(
                moved(amount, side.write.included, side.read.included, side.write.rate), side.read.digits
            )
            for amount in quote.amounts()
        ]
    )


def lines_of(quote: Quote, tax_id: str) -> list[Line]:
    """A quote as lines of a price book whose quantities do not overlap: how the till chooses between two lines that
    both fit is not documented."""
    starts = [1, *(units for units, _ in quote.tiers)]
    lines: list[Line] = []
    for position, amount in enumerate(quote.amounts()):
        last = position == len(starts) - 1
        lines.append(
            Line(
                min_units=None if starts[position] == 1 else starts[position],
                max_units=None if last else starts[position + 1] - 1,
                amount=amount,
                tax_id=tax_id,
            )
        )
    return lines
