"""The faces the two adapters show for prices, and the messages that cross them. Faces are structural."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

import pandas as pd

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import Askable, RawPage, Referenced, Stream, SystemName
from retail_sync.records.prices import OnlineTerms, Quote, TillTerms

PriceAction = Literal["create", "update", "remove"]

MOST_BOOK_LINES = 100
"""Lines of a price book in one write (description of price book products)."""


@dataclass(frozen=True)
class OfferWrite:
    """One online price of one variant in the place of a list: made (`offer_id` None), set to `quote`, or taken away
    (`quote` None). `offer_version`: of a standalone price, as the plan saw it. `begins`, `ends`: dates of one that is
    made (UTC; None = open). `change_id` travels with the exchange."""

    change_id: str
    list_name: str
    variant_id: str
    sku: str | None
    action: PriceAction
    quote: Quote | None
    offer_id: str | None = None
    offer_version: int | None = None
    begins: str | None = None
    ends: str | None = None


@dataclass(frozen=True)
class ProductPricesWrite:
    """All prices of one online product that change, at the version the plan saw. `carries`: by variant id, what the
    adapter's own read put into `carry`."""

    product_id: str
    seen_version: int | None
    offers: Sequence[OfferWrite]
    carries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class PricesWritten:
    """Rows as the system shows them after the write (for `to_variants`), and the exchanges."""

    rows: Sequence[Mapping[str, Any]]
    exchange_ids: Sequence[str]


@dataclass(frozen=True)
class BasePriceWrite:
    """An article's own price at the till, on the side of tax that the store keeps."""

    change_id: str
    product_id: str
    amount: Decimal


@dataclass(frozen=True)
class BookLine:
    """One line of an article in a price book: made (`entry_id` None) or set. `amount` is on the side of tax that the
    store keeps."""

    product_id: str
    amount: Decimal
    tax_id: str
    min_units: int | None = None
    max_units: int | None = None
    entry_id: str | None = None


@dataclass(frozen=True)
class BookWrite:
    """What one price book is to get: lines to be made or set, and ids of lines to be taken away."""

    book_id: str
    lines: Sequence[BookLine]
    removed: Sequence[str] = ()
    change_ids: Sequence[str] = ()


@dataclass(frozen=True)
class TaxLine:
    """One tax of a tax class in one system, for comparing both: where it holds (a country, a state, an outlet), its
    share, its parts where it is made of several, and whether prices hold it."""

    tax_class: str
    name: str
    place: str
    rate: Decimal | None
    parts: tuple[Decimal, ...] = ()
    included: bool | None = None


class OnlinePrices(Referenced, Protocol):
    """The system that sells online: prices by variant."""

    system: SystemName

    @property
    def products(self) -> Askable: ...

    @property
    def standalone(self) -> Stream:
        """Prices that are resources of their own; rows are those of the products they belong to."""

    async def prepare(self, *, writing: bool = False) -> None:
        """Read tax categories, channels, stores and customer groups. Raises ConfigurationFault where a list names one
        that does not exist."""

    @property
    def terms(self) -> OnlineTerms: ...

    def to_variants(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """The present state of these products."""

    async def write(self, write: ProductPricesWrite) -> PricesWritten:
        """Raises StaleTarget where product or price moved on, DuplicateInTarget where the scope has a price already,
        TargetMissing, UnknownOutcome where no answer came."""

    def tax_lines(self) -> list[TaxLine]:
        """What the mapped tax categories say."""

    async def check(self) -> list[CheckResult]: ...


class TillPrices(Referenced, Protocol):
    """The system of the tills: an article's own price, and price books."""

    system: SystemName

    @property
    def articles(self) -> Askable: ...

    @property
    def entries(self) -> Askable:
        """Lines of price books. They have no address: what is asked for are the lines of articles, by their ids."""

    async def prepare(self, *, writing: bool = False) -> None:
        """Read retailer, outlets, taxes and price books. `writing`: missing price books are made where the settings
        say so. Raises ConfigurationFault where a book is for others than its list says."""

    @property
    def terms(self) -> TillTerms: ...

    def to_articles(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    def to_entries(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    async def articles_since(self, cursor: str) -> RawPage: ...

    async def entries_since(self, cursor: str) -> RawPage: ...

    def entries_of(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """The live entries of these articles in the books of lists, now: what is not among them is gone."""

    async def write_base(self, write: BasePriceWrite) -> str:
        """Set the price; the exchange's id. Raises as writes do."""

    async def write_book(self, write: BookWrite) -> Sequence[str]:
        """Up to `MOST_BOOK_LINES` lines, and as many removals; ids of the exchanges. Raises RecordRejected where the
        system refuses the whole of it, UnknownOutcome where no answer came."""

    def tax_lines(self) -> list[TaxLine]:
        """What the mapped taxes say."""

    async def check(self) -> list[CheckResult]: ...
