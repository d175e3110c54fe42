"""Settings of the prices entity: which list of prices is which in both systems, who owns it, and what is checked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from retail_sync.records.currencies import iso_code
from retail_sync.settings.models.base import Currency, Owner, Settings

PriceSeverity = Literal["block", "hold", "warn", "off"]
TaxSide = Literal["included", "excluded"]
Validity = Literal["standing", "in force", "book"]
Flow = Literal["both", "to_lightspeed", "to_commercetools"]
Platform = Literal["all", "in store", "ecommerce"]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Percent = Annotated[Decimal, Field(ge=0)]


class OnlinePlace(Settings):
    """The commercetools prices of a list: those of exactly this currency, country, customer group and channel."""

    currency: Currency = "EUR"
    """ISO 4217 code in capital letters, or a name of commercetools for the same money in whole units (HUF0)."""
    country: Country | None = None
    """Country of the prices; empty: the prices without a country. Where commercetools owns the list, a price without a
    country counts for articles that have none for this country."""
    channel: str | None = None
    """Key of the distribution channel; empty: the prices without a channel."""
    store: str | None = None
    """Key of a store: its one distribution channel counts. Instead of `channel`."""
    customer_group: str | None = None
    """Key of the customer group; empty: the prices for everybody."""
    high_precision_digits: Annotated[int, Field(ge=1, le=20)] | None = None
    """Write prices with this many digits after the point (commercetools' high precision), so that a price without tax
    gives exactly the price with tax that was meant. Empty: whole minor units."""

    @model_validator(mode="after")
    def _one_channel(self) -> OnlinePlace:
        if self.channel is not None and self.store is not None:
            raise ValueError("name either channel or store, not both")
        return self


class TillPlace(Settings):
    """The Lightspeed prices of a list: the article's own price, a price book, or the price book of one outlet."""

    base: bool = False
    """The price of the article itself (the General price book)."""
    price_book: str | None = None
    """Name of a price book."""
    location: str | None = None
    """Name of a location: the price book of its outlet alone, for all customers and without dates."""
    customer_groups: tuple[str, ...] | None = None
    """Names of the customer groups the price book has to be for; nothing is written to one that is for others. Empty:
    not looked at; a new one is for all customers."""
    locations: tuple[str, ...] | None = None
    """Names of the locations whose outlets the price book has to be for. Empty: not looked at; a new one is for all."""
    valid_from: date | None = None
    """First day of the price book."""
    valid_to: date | None = None
    """Last day of the price book."""
    platform: Platform | None = None
    """Where the price book has to apply."""

    @model_validator(mode="after")
    def _one_place(self) -> TillPlace:
        given = [name for name in ("base", "price_book", "location") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("name the place by exactly one of base, price_book, location")
        own = [
            name
            for name in ("customer_groups", "locations", "valid_from", "valid_to", "platform")
            if getattr(self, name) is not None
        ]
        if own and self.price_book is None:
            raise ValueError(
                f"{', '.join(own)}: only a price book that is named has these; name it in price_book"
            )
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from; swap them")
        return self


class PriceRounding(Settings):
    """How a price of this list becomes a price of the other system, after markup and exchange."""

    mode: Literal["half up", "half even", "up", "down"] = "half up"
    """What becomes of a part of a step."""
    step: Annotated[Decimal, Field(gt=0)] | None = None
    """Prices are whole multiples of this, such as 0.05. Empty: the currency's smallest unit."""
    endings: tuple[Annotated[Decimal, Field(ge=0)], ...] = ()
    """Endings of prices, such as 0.95 and 0.99 (or 9.99): the nearest price that ends so is taken, the lower one where
    two are as near."""


class PriceList(Settings):
    """One list of prices in both systems. Without an owner it does not sync."""

    name: str = Field(min_length=1, max_length=64)
    """Name of the list, shown in plans and holds."""
    owner: Owner = "none"
    """Whose price counts. `newest`: the side changed last; `review`: a person decides when both changed; `none`: the
    list does not sync."""
    direction: Flow = "both"
    """Which system may be written. A change that would have to go the other way is held."""
    commercetools: OnlinePlace = OnlinePlace()
    """Where commercetools holds it."""
    lightspeed: TillPlace
    """Where Lightspeed holds it."""
    tax: TaxSide = "included"
    """Whether the prices of this list are meant with or without tax: markup and rounding work on that price, and tax is
    converted by the rate of the article's tax class at each side."""
    rounding: PriceRounding | None = None
    """How prices are rounded. Empty: not at all; a price that does not come out exactly, there and back, is held."""
    markup_percent: Decimal = Field(default=Decimal(0), gt=-100)
    """Percent put on (or, below zero, taken off) the owner's price for the other system."""
    validity: Validity | None = None
    """Which commercetools prices count: `standing` those without dates; `in force` the dated one that is valid at the
    time of the run, else the standing one; `book` those with exactly the dates of the price book. Empty: `book` where
    the price book has dates, else `in force` where commercetools owns the list, else `standing`."""
    removals: Literal["report", "remove"] = "report"
    """What happens when the owner's price is taken away: the other one is held and stays, or is taken away, too."""
    staged: bool = False
    """Write commercetools prices to the draft only and leave publishing to a person."""
    create_price_book: bool = False
    """Whether a missing price book is created."""

    @property
    def syncs(self) -> bool:
        """Whether anybody owns it."""
        return self.owner != "none"

    @property
    def one_way(self) -> bool:
        """Whether one side always counts."""
        return self.owner in ("commercetools", "lightspeed")

    @property
    def in_book(self) -> bool:
        """Whether the till holds it in a price book of its own."""
        return not self.lightspeed.base

    def may_write(self, system: str) -> bool:
        """Whether this system is ever written: not where it owns the list, nor against its direction."""
        return self.syncs and self.owner != system and self.direction in ("both", f"to_{system}")

    @model_validator(mode="after")
    def _makes_sense(self) -> PriceList:
        changed = [
            what
            for what, given in (
                ("markup_percent", self.markup_percent != 0),
                ("rounding", self.rounding is not None),
            )
            if given
        ]
        if changed and self.owner in ("newest", "review"):
            raise ValueError(
                f"{', '.join(changed)}: a price that may travel both ways has to come back as it went; "
                "let commercetools or lightspeed own the list"
            )
        if self.syncs and not any(self.may_write(system) for system in ("commercetools", "lightspeed")):
            raise ValueError(
                f"direction: {self.owner} owns the list, so with {self.direction} nothing is ever written; use both"
            )
        if self.validity == "in force" and self.owner not in ("commercetools", "none"):
            raise ValueError("validity: only where commercetools owns the list can the price in force count")
        if self.validity == "book" and self.lightspeed.base:
            raise ValueError("validity: the article's own price has no dates; use standing or in force")
        return self


class ExchangeRate(Settings):
    """One line of the table of exchange rates: how much of `target` one unit of `source` is."""

    source: Currency
    """Currency of the owner's price."""
    target: Currency
    """Currency of the other system's price."""
    rate: Annotated[Decimal, Field(gt=0)]
    """What one unit is worth."""
    as_of: date
    """Day of the rate; preflight warns when it gets old."""


class PriceRules(Settings):
    """What is checked before a price is written, and what a finding does.

    `block` keeps back all prices of the article, `hold` this one, `warn` only reports.
    """

    price_missing: PriceSeverity = "hold"
    """The owner of the till's own prices has none for an article that is sold in both systems."""
    price_currency: PriceSeverity = "hold"
    """The article has prices online, but none in the currency of the list."""
    price_zero: PriceSeverity = "hold"
    """The price is zero."""
    price_negative: PriceSeverity = "block"
    """The price is below zero."""
    price_jump: PriceSeverity = "hold"
    """The price differs by more than `prices.most_change_percent` from the last one both systems agreed on, was never
    agreed on before, and was not announced by its dates. It waits for a person, who approves or rejects it."""
    price_below_supply: PriceSeverity = "hold"
    """The price without tax is below what the shop pays for the article."""
    price_not_exact: PriceSeverity = "hold"
    """Converting the price there and back gives another one, and the list names no rounding."""
    price_tax_unknown: PriceSeverity = "hold"
    """Tax has to be converted, but the article has no tax category, or no single rate at one of both sides."""
    price_tiers: PriceSeverity = "hold"
    """The other system can't hold the quantity steps of the price as they are."""
    price_dates: PriceSeverity = "hold"
    """Online prices of a list have dates, but not the days on which its price book counts in the store's time zone."""
    price_removed: PriceSeverity = "hold"
    """The owner's price was taken away; see `removals` of the list."""


class PriceSettings(Settings):
    """Prices. A list is a line here; what no list names is left alone."""

    lists: tuple[PriceList, ...] = ()
    """The lists of prices."""
    exchange_rates: tuple[ExchangeRate, ...] = ()
    """Rates for lists whose currency differs between both systems. Nothing is converted without one."""
    oldest_rate_days: int = Field(default=31, ge=1)
    """Preflight warns of exchange rates older than this."""
    most_change_percent: Annotated[Decimal, Field(gt=0, lt=100)] | None = Decimal(30)
    """Largest change of a price that goes through by itself, in percent of the higher one of both prices, so that it is
    the same up and down: 50 allows halving and doubling (see the rule `price_jump`); empty: any. A price that was
    agreed on before, or that begins or ends by its own dates, goes through."""
    most_removed_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(20)
    """A run that would take away more than this share of a list's prices (at least 20 of them) takes none of them away,
    and fails when all else is written; a person approves them at the hold. Prices that ended by their own dates do not
    count."""
    standalone: bool = True
    """Whether standalone prices are read: needed where products have the price mode Standalone."""
    clock_skew_seconds: int = Field(default=120, ge=0)
    """With owner `newest`: two changes closer than this are a conflict for a person."""
    rules: PriceRules = PriceRules()
    """What is checked before anything is written, and what a finding does."""
    batch_size: int = Field(default=2000, ge=1)
    """Prices per load task."""

    @property
    def synced(self) -> tuple[PriceList, ...]:
        """The lists that somebody owns."""
        return tuple(one for one in self.lists if one.syncs)

    def of(self, name: str) -> PriceList:
        """The list of that name. Raises KeyError."""
        found = next((one for one in self.lists if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def exchange(self, source: str, target: str) -> Decimal | None:
        """What one unit of `source` is in `target`; None where the table does not say."""
        pair = iso_code(source), iso_code(target)
        if pair[0] == pair[1]:
            return Decimal(1)
        rates = ((r.rate, (iso_code(r.source), iso_code(r.target))) for r in self.exchange_rates)
        return next((rate for rate, known in rates if known == pair), None)
