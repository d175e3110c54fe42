"""One case is one price list and one article: what stands on both sides, and what was agreed on. Made from what the
ledger holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.records.ports.products import SystemName
from retail_sync.records.prices import Quote, quote_of
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList
from retail_sync.sync.prices.conversion import Converted, Converter, Side, TaxUnknown
from retail_sync.sync.prices.feeds import Terms
from retail_sync.sync.prices.quotes import (
    Standing,
    TillSide,
    as_read,
    online_side,
    online_standing,
    till_side,
    till_standing,
    turned_at,
)

READ_TOLERANCE = Decimal("0.00001")
"""How far what a price book shows without tax may be from what it was given with tax and still be the same: how the
till rounds the fifth digit is not documented."""
EXACTLY = Decimal(0)
MOST_EARLIER = 3
"""How many earlier agreements are remembered of a price: enough for a campaign to begin, change and end."""


@dataclass(frozen=True)
class Given:
    """Everything a plan of prices is made from. `pairs`: (variant id, article id), linked by products. `entries`: lines
    of price books by article. `links`: by list and article, what was agreed on. `decisions`: of people, by (subject,
    list)."""

    settings: SyncSettings
    terms: Terms
    now: datetime
    pairs: Sequence[tuple[str, str]]
    variants: Mapping[str, MirrorRow]
    articles: Mapping[str, MirrorRow]
    entries: Mapping[str, Sequence[MirrorRow]]
    links: Mapping[tuple[str, str], Link]
    decisions: Mapping[tuple[str, str], Decision] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreed:
    """What both sides showed when they were last in order, and what the owner's price came to then."""

    online: Quote | None
    till: Quote | None
    wanted: Quote | None
    kept: bool
    """Whether the target showed what it was sent."""
    earlier: tuple[tuple[Quote | None, Quote | None], ...] = field(default=(), compare=False)
    """What both sides agreed on before, latest first: (online, till)."""

    def after(self, previous: Agreed | None) -> Agreed:
        """The same, knowing what was agreed on before it."""
        if previous is None:
            return self
        now = (self.online, self.till)
        past = dict.fromkeys([(previous.online, previous.till), *previous.earlier])
        return replace(self, earlier=tuple(pair for pair in past if pair != now)[:MOST_EARLIER])

    def was_agreed(self, system: SystemName, quote: Quote) -> bool:
        """Whether a side showed this price when both agreed, once before."""
        return any((pair[0] if system == "commercetools" else pair[1]) == quote for pair in self.earlier)

    @property
    def plain(self) -> dict[str, Any]:
        return {
            "commercetools": self.online.plain if self.online else None,
            "lightspeed": self.till.plain if self.till else None,
            "wanted": self.wanted.plain if self.wanted else None,
            **({} if self.kept else {"kept": False}),
            **({"earlier": [[_plain(one) for one in pair] for pair in self.earlier]} if self.earlier else {}),
        }

    @classmethod
    def of(cls, base: Mapping[str, Any]) -> Agreed | None:
        if not base:
            return None
        return cls(
            quote_of(base.get("commercetools")),
            quote_of(base.get("lightspeed")),
            quote_of(base.get("wanted")),
            bool(base.get("kept", True)),
            tuple((quote_of(online), quote_of(till)) for online, till in base.get("earlier", ())),
        )


def _plain(quote: Quote | None) -> Any:
    return quote.plain if quote else None


@dataclass(frozen=True)
class Case:
    """One article in one list."""

    one: PriceList
    variant: MirrorRow
    article: MirrorRow
    online: Standing
    till: Standing
    online_side: Side | None
    till_side: TillSide
    link: Link | None
    converter_to: Mapping[str, Converter]
    decision: Decision | None = None
    now: datetime | None = None
    """The time of the plan (UTC)."""

    @property
    def sku(self) -> str:
        return self.variant.label or self.article.label or self.article.id

    @property
    def subject(self) -> str:
        return f"lightspeed:{self.article.id}"

    @cached_property
    def agreed(self) -> Agreed | None:
        """What was agreed on; None = nothing yet, or with another partner."""
        if self.link is None or self.link.commercetools_id != self.variant.id:
            return None
        return Agreed.of(self.link.base)

    def standing(self, system: SystemName) -> Standing:
        return self.online if system == "commercetools" else self.till

    def agreed_quote(self, system: SystemName) -> Quote | None:
        if self.agreed is None:
            return None
        return self.agreed.online if system == "commercetools" else self.agreed.till

    def moved(self, system: SystemName) -> bool:
        """Whether a side shows something else than when both agreed."""
        return self.agreed is not None and self.standing(system).quote != self.agreed_quote(system)

    def was_announced(self, system: SystemName) -> bool:
        """Whether what a side shows changed by the passing of time alone: a price began or ended by dates that the
        mirror had held before that moment."""
        if system != "commercetools" or self.now is None or self.variant.changed_at is None:
            return False
        turned = turned_at(self.one, self.variant, self.now)
        return turned is not None and self.variant.changed_at <= turned

    def wanted_at(self, target: SystemName) -> Converted | None:
        """What the other side's price comes to at `target`, as it would be written; None where there is none. Raises
        TaxUnknown."""
        return self._wanted_online if target == "commercetools" else self._wanted_till

    @cached_property
    def _wanted_till(self) -> Converted | None:
        quote = self.online.quote
        if quote is None:
            return None
        if self.online_side is None or (self.one.in_book and not self.till_side.can_be_read_back):
            raise TaxUnknown
        return self.converter_to["lightspeed"].convert(quote, self.online_side, self.till_side.write)

    @cached_property
    def _wanted_online(self) -> Converted | None:
        quote = self.till.quote
        if quote is None:
            return None
        if self.online_side is None:
            raise TaxUnknown
        return self.converter_to["commercetools"].convert(quote, self.till_side.read, self.online_side)

    def shows(self, target: SystemName, wanted: Quote) -> bool:
        """Whether a side shows what was (or would be) written to it."""
        standing = self.standing(target)
        if standing.problem or standing.quote is None:
            return False
        if target == "commercetools":
            return wanted.near(standing.quote, EXACTLY)
        return as_read(wanted, self.till_side).near(standing.quote, self.tolerance)

    @property
    def tolerance(self) -> Decimal:
        """What may be between what was written and what is read at the till."""
        return READ_TOLERANCE if self.one.in_book else EXACTLY


def cases_of(given: Given) -> Iterator[Case]:
    """Every article in every list. A pair of which one side was never read, or is gone, has none."""
    prices = given.settings.prices
    till_currency = given.terms.till.currency
    for one in prices.synced:
        online_currency = one.commercetools.currency
        # One of the two rates is missing where the list flows one way only; that way is never taken then.
        converters = {
            "lightspeed": Converter(one, prices.exchange(online_currency, till_currency) or Decimal(1)),
            "commercetools": Converter(one, prices.exchange(till_currency, online_currency) or Decimal(1)),
        }
        for variant_id, article_id in given.pairs:
            variant, article = given.variants.get(variant_id), given.articles.get(article_id)
            if variant is None or article is None or variant.deleted_at or article.deleted_at:
                continue
            till = till_standing(one, article, given.entries.get(article_id, ()), given.terms.till)
            book = given.terms.till.books.get(one.name)
            yield Case(
                one=one,
                variant=variant,
                article=article,
                online=online_standing(one, variant, book, given.now),
                till=till,
                online_side=online_side(one, variant, given.terms),
                till_side=till_side(one, article, given.terms.till, till),
                link=given.links.get((one.name, article_id)),
                converter_to=converters,
                decision=given.decisions.get((f"lightspeed:{article_id}", one.name)),
                now=given.now,
            )
