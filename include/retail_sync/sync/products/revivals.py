"""Whether something is offered: how both sides' `active` is compared, and what we switched off is switched on again.

Online a product is offered as a whole (where `active` means that it is published), at the till each variant for itself.
So where the till has a say, what is compared is whether anything of the product is sold; a variant that is switched off
beside a sister that is sold is the till's own affair.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from retail_sync.sync.products.drafts import Draft, Work
from retail_sync.sync.products.ours import ACTIVE, forgotten, why_off
from retail_sync.sync.products.plan import LinkRef
from retail_sync.sync.products.view import View


def offered(
    work: Work, links: list[LinkRef], left: pd.DataFrame, right: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """`active` of both sides as it is compared: unknown where it is off by our own doing."""
    settings = work.given.settings
    ours, theirs = left[ACTIVE], right[ACTIVE]
    off = {"commercetools": ~ours.fillna(True), "lightspeed": ~theirs.fillna(True)}
    if settings.owner_of(ACTIVE) != "commercetools" and settings.published_as_a_whole:
        ours = _flags(work.view.is_sold("commercetools", str(one)) for one in left["product_id"])
        will_be_sold = _families_with_new_variants(work)
        theirs = _flags(
            work.view.is_sold("lightspeed", str(one)) or one in will_be_sold for one in right["product_id"]
        )
    doing = {s: _flags(why_off(link.resent, s) is not None for link in links) for s in work.view.systems}
    return (
        ours.mask(doing["commercetools"] & off["commercetools"]),
        theirs.mask(doing["lightspeed"] & off["lightspeed"]),
    )


def _flags(values: Iterable[bool]) -> pd.Series:
    return pd.Series(list(values), dtype="boolean")


def _families_with_new_variants(work: Work) -> set[str]:
    """Families that this plan gives a variant that is sold."""
    view = work.view
    if "lightspeed" not in work.given.settings.create:
        return set()
    linked = {link.commercetools_id for link in work.pairing.links["variant"]}
    held = {finding.id for finding in work.holds}
    families = {link.commercetools_id: link.lightspeed_id for link in work.pairing.links["product"]}
    new = view.eligible_variants("commercetools")
    new = new[~new.index.isin(linked | held) & new[ACTIVE].fillna(False).astype(bool)]
    return {families[str(one)] for one in new["product_id"] if str(one) in families}


def shows_already(view: View, system: str, link: LinkRef, value: Any) -> bool:
    """Whether the record itself shows what its product or family is to show."""
    shown = view.fields(system, link.kind, link.side(system)).get(ACTIVE)
    return shown is not None and shown == value


def switch_on_again(work: Work) -> None:
    """What we switched off follows its partner, once that is there and offered again."""
    view = work.view
    held = {finding.subject for finding in work.holds}
    for link in work.pairing.links["variant"]:
        sides = [(system, link.side(system)) for system in view.systems]
        if not any(why_off(link.resent, system) for system in view.systems):
            continue
        if any(f"{s}:{i}" in held or not view.is_live(s, "variant", i) for s, i in sides):
            continue
        if not all(view.is_listed(s, view.product_of(s, i)) for s, i in sides):
            continue
        if any(view.is_affected(s, "variant", i) for s, i in sides):
            for system in view.systems:
                _follow(work, link, system)


def _follow(work: Work, link: LinkRef, target: str) -> None:
    view = work.view
    why = why_off(link.resent, target)
    if why is None:
        return
    source = "lightspeed" if target == "commercetools" else "commercetools"
    if shows_already(view, target, link, True):
        pair = (link.kind, link.commercetools_id, link.lightspeed_id)
        work.notes[pair] = forgotten(work.notes.get(pair, link.resent), target)
    elif shows_already(view, source, link, True):
        _switch_on(work, link, source, target, f"switched off by this package ({why}); it is there again")


def _switch_on(work: Work, link: LinkRef, source: str, target: str, reason: str) -> None:
    draft = next((one for one in work.drafts if one.link is link and one.target == target), None)
    if draft is None:
        draft = Draft(
            kind="variant",
            source=source,
            source_id=link.side(source),
            target=target,
            action="update",
            link=link,
            target_id=link.side(target),
            target_product=work.view.product_of(target, link.side(target)),
            source_product=work.view.product_of(source, link.side(source)),
            after={},
            before={},
            reasons={},
        )
        work.drafts.append(draft)
    draft.after[ACTIVE], draft.before[ACTIVE], draft.reasons[ACTIVE] = True, False, reason
