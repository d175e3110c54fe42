"""What is written in one request: changes grouped by their target, and sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from retail_sync.ledger.rows import ChangeRow, MirrorRow
from retail_sync.records.errors import RecordRejected, TargetMissing
from retail_sync.records.ports.prices import (
    MOST_BOOK_LINES,
    BasePriceWrite,
    BookLine,
    BookWrite,
    OfferWrite,
    ProductPricesWrite,
)
from retail_sync.records.ports.products import SystemName
from retail_sync.records.prices import quote_of
from retail_sync.records.refs import VariantKey
from retail_sync.records.types import decimal_text, digest
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.cases import READ_TOLERANCE, Case
from retail_sync.sync.prices.conversion import to_digits
from retail_sync.sync.prices.feeds import ARTICLES, ENTITY
from retail_sync.sync.prices.mirror import ARTICLE
from retail_sync.sync.prices.planner import BOOK
from retail_sync.sync.prices.quotes import Line, TillSide, lines_of, validity_of
from retail_sync.sync.prices.rereading import (
    PriceContext,
    article_of,
    list_of,
    read_articles,
    read_entries,
    read_products,
    take_products,
    terms_of,
)

Cases = Mapping[str, Case]


@dataclass(frozen=True)
class Sent:
    """What a request left behind: its exchanges, online products as they answered, and own prices as they were sent (by
    article)."""

    exchange_ids: Sequence[str]
    online_rows: Sequence[Mapping[str, Any]] = ()
    own_prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Group(ABC):
    """Changes that one request writes."""

    system: ClassVar[SystemName]
    changes: Sequence[ChangeRow]

    def of(self, changes: Sequence[ChangeRow]) -> Group:
        """A group of the same kind."""
        return replace(self, changes=changes)

    @abstractmethod
    async def send(self, context: PriceContext, cases: Cases, changes: Sequence[ChangeRow]) -> Sent:
        """Write. What the target shows afterwards is in the answer, or in the mirror already."""

    @abstractmethod
    async def look(self, context: PriceContext, changes: Sequence[ChangeRow]) -> None:
        """Read the targets again."""


@dataclass(frozen=True)
class OnlineProduct(Group):
    """All prices of one online product."""

    system: ClassVar[SystemName] = "commercetools"

    async def send(self, context: PriceContext, cases: Cases, changes: Sequence[ChangeRow]) -> Sent:
        offers = [_offer(context, _case(cases, change), change) for change in changes]
        mine = [_case(cases, change) for change in changes]
        written = await context.online.write(
            ProductPricesWrite(
                product_id=product_of(changes[0]),
                seen_version=max((c.target_version for c in changes if c.target_version), default=None),
                offers=offers,
                carries={case.variant.id: case.variant.carry or {} for case in mine},
            )
        )
        return Sent(written.exchange_ids, online_rows=written.rows)

    async def look(self, context: PriceContext, changes: Sequence[ChangeRow]) -> None:
        await read_products(context, {product_of(change) for change in changes})


def _offer(context: PriceContext, case: Case, change: ChangeRow) -> OfferWrite:
    record = case.online.record or {}
    book = terms_of(context).till.books.get(case.one.name)
    dated = book if book is not None and validity_of(case.one, book) == "book" else None
    return OfferWrite(
        change_id=change.id,
        list_name=case.one.name,
        variant_id=case.variant.id,
        sku=case.variant.label,
        action=change.action,  # type: ignore[arg-type]
        quote=quote_of(change.after["price"]),
        offer_id=record.get("id"),
        offer_version=record.get("version"),
        begins=dated.begins if dated else None,
        ends=dated.ends if dated else None,
    )


@dataclass(frozen=True)
class OwnPrice(Group):
    """An article's own price at the till."""

    system: ClassVar[SystemName] = "lightspeed"

    async def send(self, context: PriceContext, cases: Cases, changes: Sequence[ChangeRow]) -> Sent:
        (change,) = changes
        quote = quote_of(change.after["price"])
        if quote is None:
            raise RecordRejected(
                "An article at the till can't be without a price.", code="price_removed", system=self.system
            )
        exchange = await context.till.write_base(BasePriceWrite(change.id, article_of(change), quote.amount))
        return Sent([exchange], own_prices={article_of(change): quote.amount})

    async def look(self, context: PriceContext, changes: Sequence[ChangeRow]) -> None:
        await read_articles(context, {article_of(change) for change in changes})


@dataclass(frozen=True)
class PriceBook(Group):
    """Prices of several articles in one price book."""

    system: ClassVar[SystemName] = "lightspeed"

    async def send(self, context: PriceContext, cases: Cases, changes: Sequence[ChangeRow]) -> Sent:
        name = list_of(changes[0])
        book = terms_of(context).till.books.get(name)
        if book is None or not book.id:
            raise TargetMissing(f"The price book of the list {name!r} is not there.", system=self.system)
        lines: list[BookLine] = []
        removed: list[str] = []
        for change in changes:
            new, gone = book_lines(_case(cases, change), change)
            lines += new
            removed += gone
        exchanges: list[str] = []
        ids = [change.id for change in changes]
        # One article may have more lines than fit; most requests hold many articles.
        for part_lines, part_removed in _parts(lines, removed):
            exchanges += await context.till.write_book(BookWrite(book.id, part_lines, part_removed, ids))
        await read_entries(context, {article_of(change) for change in changes})
        return Sent(exchanges)

    async def look(self, context: PriceContext, changes: Sequence[ChangeRow]) -> None:
        articles = {article_of(change) for change in changes}
        await read_articles(context, articles)
        await read_entries(context, articles)


def show(context: PriceContext, sent: Iterable[Sent]) -> None:
    """The mirror shows what the targets answered. Own prices are shown as they were sent: an update answers with
    nothing reliable. They are newer than the rows they were made from, so that a page read before the write can't put
    the old price back."""
    listed = list(sent)
    rows = [row for one in listed for row in one.online_rows]
    if rows:
        take_products(context, rows)
    amounts = {article: amount for one in listed for article, amount in one.own_prices.items()}
    shown: list[MirrorRow] = []
    for row in mirroring.read(context.ledger, ARTICLE, ids=list(amounts)) if amounts else ():
        fields = {**row.fields, "amount": decimal_text(amounts[row.id])}
        version = None if row.version is None else row.version + 1
        shown.append(replace(row, fields=fields, digest=digest(fields), version=version))
    context.ledger.mirror.see(ENTITY, ARTICLE, ARTICLES, context.run_id, shown)


def book_lines(case: Case, change: ChangeRow) -> tuple[list[BookLine], list[str]]:
    """Lines to be made or set, and ids of lines to be taken away, so that the book shows what is wanted. A line that
    shows it already is left alone."""
    standing: dict[int, MirrorRow] = {}
    removed: list[str] = []
    for row in case.till.record or ():
        start = _start(row)
        if start is None or start in standing:
            removed.append(row.id)
        else:
            standing[start] = row
    quote = quote_of(change.after["price"])
    if quote is None:
        return [], [*removed, *(row.id for row in standing.values())]
    tax = case.till_side.tax_id
    if tax is None:
        raise RecordRejected(
            f"{case.sku} has no single tax at the outlets of the price book.",
            code="price_tax_unknown",
            system="lightspeed",
            remedy="Give the article one tax at these outlets.",
        )
    lines: list[BookLine] = []
    for line in lines_of(quote, tax):
        row = standing.pop(line.min_units or 1, None)
        if row is not None and line.max_units is None and row.fields["max"] is not None:
            # An open end can't be sent: it is what is left out.
            removed.append(row.id)
            row = None
        if row is None or not _shows(row, line, case.till_side):
            lines.append(
                BookLine(
                    product_id=case.article.id,
                    amount=line.amount,
                    tax_id=line.tax_id,
                    min_units=line.min_units,
                    max_units=line.max_units,
                    entry_id=row.id if row is not None else None,
                )
            )
    return lines, [*removed, *(row.id for row in standing.values())]


def _start(row: MirrorRow) -> int | None:
    low = row.fields["min"]
    if low is None:
        return 1
    number = Decimal(low)
    return max(int(number), 1) if number == number.to_integral_value() else None


def _shows(row: MirrorRow, line: Line, side: TillSide) -> bool:
    if row.fields["amount"] is None or row.fields["tax"] != line.tax_id:
        return False
    high = row.fields["max"]
    if (None if high is None else Decimal(high)) != (None if line.max_units is None else line.max_units):
        return False
    shown = Decimal(row.fields["amount"])
    rate = side.write.rate or Decimal(0)
    wanted = line.amount / (1 + rate) if side.write.included else line.amount
    return abs(shown - to_digits(wanted, side.read.digits)) <= READ_TOLERANCE


def _parts(
    lines: Sequence[BookLine], removed: Sequence[str]
) -> Iterable[tuple[Sequence[BookLine], Sequence[str]]]:
    most = max(len(lines), len(removed))
    for start in range(0, most, MOST_BOOK_LINES):
        yield lines[start : start + MOST_BOOK_LINES], removed[start : start + MOST_BOOK_LINES]


def _case(cases: Cases, change: ChangeRow) -> Case:
    found = cases.get(change.unit)
    if found is None:
        raise TargetMissing(f"{change.label} is no longer there on both sides.", system=change.system)
    return found


def product_of(change: ChangeRow) -> str:
    """The online product of the variant that a change writes to."""
    return VariantKey.parse(str(change.target_id)).product_id


def groups_of(changes: Sequence[ChangeRow]) -> list[Group]:
    """The changes by what one request writes, in a fixed order."""
    online: dict[str, list[ChangeRow]] = {}
    books: dict[str, list[ChangeRow]] = {}
    alone: list[ChangeRow] = []
    for change in changes:
        if change.system == "commercetools":
            online.setdefault(product_of(change), []).append(change)
        elif change.reasons.get("place") == BOOK:
            books.setdefault(list_of(change), []).append(change)
        else:
            alone.append(change)
    found: list[Group] = [OnlineProduct(group) for group in online.values()]
    found += [OwnPrice([change]) for change in alone]
    for group in books.values():
        found += [PriceBook(part) for part in _full_requests(group)]
    return found


def _full_requests(changes: Sequence[ChangeRow]) -> Iterable[list[ChangeRow]]:
    """As many articles as fit a request, each with all its lines."""
    part: list[ChangeRow] = []
    lines = 0
    for change in changes:
        quote = quote_of(change.after["price"])
        needed = max(1, len(quote.amounts()) if quote else 1)
        if part and lines + needed > MOST_BOOK_LINES:
            yield part
            part, lines = [], 0
        part.append(change)
        lines += needed
    if part:
        yield part
