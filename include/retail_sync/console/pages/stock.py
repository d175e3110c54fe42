"""Stock: why the storefront shows what it shows, and what it would show by other rules. Nothing is ever written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from retail_sync.console.views.stock import (
    MOST_SKUS,
    Room,
    Sku,
    channels_of,
    level_text,
    require_inventory,
    room,
    skus_of,
    wanted_skus,
)
from retail_sync.console.views.what_if import (
    Answer,
    answer,
    closer_rules,
    problems_of_form,
    wanted_of,
)
from retail_sync.console.visit import Looking, Visit
from retail_sync.console.vocabulary import RULE_CHOICES, RULE_LABELS, RULE_NUMBERS
from retail_sync.ledger.skus import held_first
from retail_sync.records.channels import channel_name
from retail_sync.settings.document import Problem
from retail_sync.settings.models.inventory import ChannelSetting
from retail_sync.sync.inventory.feeds import ENTITY
from retail_sync.sync.queries.what_if import BY_PLACE, UnusableRules

router = APIRouter()

LONGEST = 2_000
"""Letters of a search."""
HELD = 12
"""Held SKUs that a page without a search shows."""


@router.get("/stock")
def show(visit: Looking) -> Response:
    """One SKU in full, several as a list, or where to begin."""
    require_inventory(visit)
    typed = visit.query("sku")[:LONGEST]
    here = room(visit, datetime.now(UTC))
    skus = skus_of(here, typed) if here is not None and typed else []
    return visit.page(
        "stock.html",
        typed=typed,
        room=here,
        skus=skus,
        one=skus[0] if len(skus) == 1 else None,
        left_out=max(0, len(wanted_skus(typed)) - MOST_SKUS) if len(skus) > 1 else 0,
        held=[] if typed or here is None else held_first(visit.ledger.engine, ENTITY, HELD),
        level_text=level_text,
    )


@router.get("/stock/what-if")
def what_if(visit: Looking) -> Response:
    """Other rules for one channel: the form, and, when it was sent, both figures side by side."""
    require_inventory(visit)
    typed, channel = visit.query("sku")[:LONGEST], visit.query("channel")
    here = room(visit, datetime.now(UTC))
    if here is None:
        return visit.page("what_if.html", **_nothing(typed, here))
    setting = next(
        (one for one in here.settings.shown_channels if channel_name(one.channel) == channel), None
    )
    sku = next(iter(skus_of(here, typed)), None) if typed else None
    if setting is None or sku is None or not sku.shelves or sku.found is None:
        return visit.page("what_if.html", 404 if typed else 200, **_nothing(typed, here, sku, setting))
    return _asked(visit, here, sku, setting)


def _nothing(
    typed: str, here: Room | None, sku: Sku | None = None, setting: ChannelSetting | None = None
) -> dict[str, Any]:
    """A page without a form: what is missing, and where to go on."""
    return {
        "typed": typed,
        "room": here,
        "sku": sku,
        "setting": setting,
        "channels": channels_of(here.settings) if here else [],
        "form": False,
    }


def _asked(visit: Visit, here: Room, sku: Sku, setting: ChannelSetting) -> Response:
    assert sku.found is not None
    figures = here.figures([sku.found.sku])
    wanted = wanted_of(visit, here.settings, setting)
    problems: dict[str, list[Problem]] = {}
    found: Answer | None = None
    if visit.query("asked"):
        try:
            found = answer(here, figures, setting, wanted, count=bool(visit.query("count")))
        except UnusableRules as refusal:
            problems = problems_of_form(refusal)
    places = [one for one in here.settings.locations if one.owner == "lightspeed"]
    return visit.page(
        "what_if.html",
        422 if problems else 200,
        typed=sku.found.sku,
        room=here,
        sku=sku,
        setting=setting,
        channel=channel_name(setting.channel),
        channels=channels_of(here.settings),
        form=True,
        wanted=wanted,
        places=places,
        turns={name: at + 1 for at, name in enumerate(wanted.locations)},
        problems=problems,
        answer=found,
        closer=closer_rules(here, figures, setting, sku.found.sku),
        choices=RULE_CHOICES,
        numbers=RULE_NUMBERS,
        labels=RULE_LABELS,
        by_place=BY_PLACE,
    )
