"""What the stock page asks of the ledger and the engine: SKUs, their figures, what was read when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from retail_sync.console.ports import Refused
from retail_sync.console.views import figures as wording
from retail_sync.console.views.waterfall import Picture, picture
from retail_sync.console.visit import Visit
from retail_sync.console.vocabulary import ENTRY_TONES
from retail_sync.ledger.rows import HoldHead, Run
from retail_sync.ledger.skus import FoundSku, exact_skus, find_skus, open_holds_called
from retail_sync.records.channels import channel_name
from retail_sync.records.errors import SyncError
from retail_sync.records.inventory import shown
from retail_sync.records.ports.inventory import Assortments
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import Offer
from retail_sync.sync.engine.last_run import last_settled_run
from retail_sync.sync.inventory.availability import Figures, work_out
from retail_sync.sync.inventory.catalogue import PRODUCTS
from retail_sync.sync.inventory.channel_assortment import offers_table
from retail_sync.sync.inventory.explanation import AtPlace, Explanation, explained
from retail_sync.sync.inventory.feeds import ENTITY, ENTRIES
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.scope import last_layout
from retail_sync.sync.queries.entry_status import Elsewhere, Standing, elsewhere, standings

MOST_SKUS = 20
"""Looked at together."""
SUGGESTED = 25
"""SKUs that begin like what was typed."""


@dataclass(frozen=True)
class Shelf:
    """One SKU in one channel, ready to be shown."""

    one: Explanation
    standing: Standing
    picture: Picture

    @property
    def sentence(self) -> str:
        return wording.sentence(self.one, self.standing)

    @property
    def mark(self) -> str:
        return wording.mark(self.one, self.standing)

    @property
    def tone(self) -> str:
        return ENTRY_TONES[self.standing.state]

    @property
    def how(self) -> str:
        return wording.built_up(self.one)

    @staticmethod
    def seen(place: AtPlace) -> datetime | None:
        """When the level of a location was last new."""
        return datetime.fromisoformat(place.seen_at) if place.seen_at else None

    @property
    def written_at(self) -> datetime | None:
        at = self.one.written["at"] if self.one.written else ""
        return datetime.fromisoformat(at) if at else None


@dataclass(frozen=True)
class Sku:
    """`typed`: as it was asked for. `found`: what is behind it; None = no side has such a SKU. `shelves`: its figures;
    none where no article of the till is linked to it. `parts`: of a composite, told in words."""

    typed: str
    found: FoundSku | None
    shelves: Sequence[Shelf]
    elsewhere: Sequence[Elsewhere]
    parts: str
    holds: Sequence[HoldHead]
    like: Sequence[FoundSku]

    @property
    def orders(self) -> Sequence[tuple[str, str, int]]:
        """Number, channel and units of its open web orders."""
        return self.shelves[0].one.orders if self.shelves else ()


@dataclass(frozen=True)
class Room:
    """What figures are worked out by now. `run`: the last that settled everything, None = none has lately.
    `members_known`: whether the members of selections and stores that offers ask for are at hand."""

    visit: Visit
    settings: SyncSettings
    layout: Layout
    run: Run | None
    offers: pd.DataFrame | None
    now: datetime

    @property
    def members_known(self) -> bool:
        return self.offers is not None

    def figures(self, skus: Sequence[str] | None) -> Figures:
        """Figures of these SKUs, or of all."""
        return work_out(
            load_given(self.visit.ledger, self.settings, self.layout, self.now, skus=skus, offers=self.offers)
        )


def require_inventory(visit: Visit) -> None:
    """Raises Refused (403) where this person may not look at stock."""
    if ENTITY not in visit.entities:
        raise Refused(403)


def room(visit: Visit, now: datetime) -> Room | None:
    """None = no run has read the locations of this configuration yet."""
    settings = visit.settings
    layout = last_layout(visit.ledger, settings, now)
    if layout is None:
        return None
    run = last_settled_run(visit.ledger, ENTITY)
    return Room(visit, settings, layout, run, _offers(visit, settings, run), now)


def _offers(visit: Visit, settings: SyncSettings, run: Run | None) -> pd.DataFrame | None:
    """Members of selections and stores as the last run staged them; none are needed where no offer asks for any."""
    if not any(_asks_for_members(channel.offer) for channel in settings.shown_channels):
        return offers_table(Assortments({}, {}))
    if run is None:
        return None
    try:
        return visit.ports.staging(run.id).read_table(f"{ENTRIES}/offers")
    except SyncError:  # the files of a run are cleared when it is old
        return None


def _asks_for_members(offer: Offer) -> bool:
    return bool(offer.product_selections or offer.stores)


def wanted_skus(typed: str) -> list[str]:
    """What somebody typed as SKUs: one, or several with commas between them."""
    parts = [part.strip() for part in typed.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def skus_of(room: Room, typed: str) -> list[Sku]:
    """Everything about these SKUs. A text that is a SKU as a whole, commas and all, is one."""
    engine = room.visit.ledger.engine
    several = wanted_skus(typed)[:MOST_SKUS]
    found = exact_skus(engine, {typed, *several})
    if any(typed in (one.sku, one.till_sku) for one in found):
        several = [typed]
    by_text = {text: one for one in found for text in (one.till_sku, one.sku) if text}
    names = {text: by_text[text].sku for text in several if text in by_text}
    shelves, figures = _shelves(room, sorted(set(names.values())))
    others = elsewhere(room.visit.ledger, room.settings, figures, list(names.values())) if figures else []
    return [
        _sku(room, text, by_text.get(text), shelves.get(names.get(text, ""), []), others, figures)
        for text in several
    ]


def _shelves(room: Room, skus: Sequence[str]) -> tuple[dict[str, list[Shelf]], Figures | None]:
    if not skus:
        return {}, None
    figures = room.figures(skus)
    found = explained(room.visit.ledger, figures, skus)
    stands = standings(room.visit.ledger, room.settings, figures, found)
    out: dict[str, list[Shelf]] = {}
    for one in found:
        out.setdefault(one.sku, []).append(Shelf(one, stands[(one.sku, one.channel)], picture(one)))
    return out, figures


def _sku(
    room: Room,
    typed: str,
    found: FoundSku | None,
    shelves: Sequence[Shelf],
    others: Sequence[Elsewhere],
    figures: Figures | None,
) -> Sku:
    engine = room.visit.ledger.engine
    return Sku(
        typed=typed,
        found=found,
        shelves=shelves,
        elsewhere=[one for one in others if found is not None and one.sku == found.sku],
        parts=_parts(figures, found.sku) if figures is not None and found is not None else "",
        holds=[]
        if shelves or PRODUCTS not in room.visit.entities
        else open_holds_called(engine, PRODUCTS, [typed]),
        like=find_skus(engine, typed, SUGGESTED) if found is None else [],
    )


def _parts(figures: Figures, sku: str) -> str:
    """Whether its level is that of its parts."""
    articles = figures.given.articles
    made = articles.loc[(articles["sku"] == sku).fillna(False), "parts"].notna().any()
    return figures.given.inventory.composites if made else ""


def level_text(level: int | None) -> str:
    """A level of parts as a person reads it."""
    return "unknown" if level is None else shown(level)


def channels_of(settings: SyncSettings) -> list[str]:
    """Names of the channels that are shown."""
    return [channel_name(one.channel) for one in settings.shown_channels]
