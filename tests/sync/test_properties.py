"""What holds for any two shops: plans settle, ownership is kept, every record is accounted for, matches are unique."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pandas as pd
from hypothesis import given as hypothesis_given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.records.products import table
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.matching import match
from retail_sync.sync.engine.merge import merge_field
from retail_sync.sync.products.ours import switched_off
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.planner import plan_products
from tests.sync.shop import given, product, side, variant

SKUS = st.sampled_from(["", "A", "B", "C", "D", "E"])
BARCODES = st.lists(st.sampled_from(["4006381333931", "0012345678905", "96385074", "bad code"]), max_size=2)
OWNERS = st.sampled_from(["commercetools", "lightspeed", "newest", "review", "none"])
NAMES = st.sampled_from(["Mug", "Cup", "Pot", ""])


@st.composite
def shops(draw: st.DrawFn, prefix: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    products: list[dict[str, Any]] = []
    variants: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 3))):
        pid = f"{prefix}{number}"
        products.append(
            product(
                pid,
                draw(NAMES),
                brand=draw(st.sampled_from(["Acme", "Apex", ""])),
                listed=draw(st.booleans()),
            )
        )
        for place in range(draw(st.integers(1, 2))):
            variants.append(
                variant(
                    f"{pid}:{place}",
                    pid,
                    draw(SKUS),
                    barcodes=draw(BARCODES),
                    price=draw(st.sampled_from([None, 0, 100, 200])),
                    active=draw(st.booleans()),
                    option_values=[["c", str(place)]],
                    deleted_at=draw(st.sampled_from([None, None, None, "2026-11-23T09:00:00Z"])),
                )
            )
    return products, variants


def applied(plan: Plan, before: PlanInput) -> PlanInput:
    """Both sides and the links after every change of the plan took effect, as an adapter would leave them."""
    rows = {
        (s, k): {r["id"]: dict(r) for r in before.sides[s].of(k).to_dict("records")}  # type: ignore[arg-type]
        for s in before.sides
        for k in ("product", "variant")
    }
    links = {
        k: {(x.commercetools_id, x.lightspeed_id): x for x in before.links[k]} for k in ("product", "variant")
    }  # type: ignore[index]
    for link in plan.retired:
        links[link.kind].pop((link.commercetools_id, link.lightspeed_id))
    for link in [*plan.agreed, *plan.new_links]:
        links[link.kind][(link.commercetools_id, link.lightspeed_id)] = replace(link, link_id="x")
    for change in plan.changes:
        target_rows = rows[(change.system, change.kind)]
        if change.action == "create":
            source = "lightspeed" if change.system == "commercetools" else "commercetools"
            new = f"new-{change.source_id}"
            twin = dict(rows[(source, change.kind)][change.source_id])
            # What the change says is what is written, not what its source shows.
            twin.update({**change.after, "id": new, "carry": None, "deleted_at": None})
            if change.kind == "variant":
                unit = change.unit.split(":", 1)[1]
                twin["product_id"] = f"new-{twin['product_id']}" if unit.startswith("new:") else unit
            target_rows[new] = twin
            pair = (new, change.source_id) if change.system == "commercetools" else (change.source_id, new)
            links[change.kind][pair] = LinkRef(change.kind, *pair, "x", "created", dict(change.after))
            continue
        assert change.target_id is not None
        target_rows[change.target_id].update(change.after)
        for pair, link in links[change.kind].items():
            if change.target_id in pair and change.action == "deactivate":
                notes = switched_off(link.resent, change.system, change.reasons["active"])
                links[change.kind][pair] = replace(link, resent=notes)
            elif change.target_id in pair:
                links[change.kind][pair] = replace(link, base={**link.base, **change.after})
    sides = {
        s: side(list(rows[(s, "product")].values()), list(rows[(s, "variant")].values()))
        for s in before.sides
    }
    return given(
        sides["commercetools"],
        sides["lightspeed"],
        {k: list(v.values()) for k, v in links.items()},
        settings=before.settings,
    )


def settings_with(owners: dict[str, str]) -> ProductSettings:
    return ProductSettings.model_validate(
        {
            "product_type": "main",
            "fields": {k: {"owner": v} for k, v in owners.items() if k != "price"},
            "price": {"owner": owners["price"]},
        }
    )


FIELD_OWNERS = st.fixed_dictionaries(
    {"name": OWNERS, "brand": OWNERS, "barcodes": OWNERS, "active": OWNERS, "price": OWNERS}
)


@hypothesis_settings(max_examples=20)
@hypothesis_given(left=shops("c"), right=shops("l"), owners=FIELD_OWNERS)
def test_a_second_plan_after_applying_the_first_writes_nothing(
    left: Any, right: Any, owners: dict[str, str]
) -> None:
    first = given(side(*left), side(*right), settings=settings_with(owners))
    plan = plan_products(first)
    again = plan_products(applied(plan, first))
    assert [(c.subject, c.system, c.before, c.after) for c in again.changes] == []


@hypothesis_settings(max_examples=20)
@hypothesis_given(left=shops("c"), right=shops("l"), owners=FIELD_OWNERS)
def test_every_record_looked_at_is_accounted_for_exactly_once(
    left: Any, right: Any, owners: dict[str, str]
) -> None:
    todo = given(side(*left), side(*right), settings=settings_with(owners))
    plan = plan_products(todo)
    looked_at = sum(len(ids) for kinds in todo.affected.values() for ids in kinds.values())
    assert len(plan.dispositions) == looked_at
    assert not plan.dispositions.duplicated(["system", "kind", "id"]).any()
    held = set(plan.dispositions.loc[plan.dispositions["disposition"] == "held", "why"])
    assert held <= {hold.code for hold in plan.holds}


@hypothesis_settings(max_examples=20)
@hypothesis_given(left=shops("c"), right=shops("l"), owners=FIELD_OWNERS)
def test_no_update_touches_a_field_the_target_owns(left: Any, right: Any, owners: dict[str, str]) -> None:
    settings = settings_with(owners)
    plan = plan_products(given(side(*left), side(*right), settings=settings))
    for change in plan.changes:
        if change.action == "update":
            assert all(settings.owner_of(field) not in (change.system, "none") for field in change.after)


@hypothesis_settings(max_examples=200)
@hypothesis_given(
    left=st.lists(st.tuples(st.sampled_from("abcdef"), SKUS), max_size=6),
    right=st.lists(st.tuples(st.sampled_from("uvwxyz"), SKUS), max_size=6),
)
def test_a_match_is_unique_on_both_sides_and_never_by_an_empty_value(left: Any, right: Any) -> None:
    tables = [pd.DataFrame(rows, columns=["id", "value"]) for rows in (left, right)]
    found = match({"sku": tables[0]}, {"sku": tables[1]}, set(), set(), ("sku",))
    for column, rows in (("commercetools_id", left), ("lightspeed_id", right)):
        assert not found.pairs[column].duplicated().any()
        for record in found.pairs[column]:
            values = {value for i, value in rows if i == record and value}
            assert values
    bearers = [Counter(value for _, value in set(rows)) for rows in (left, right)]
    for row in found.pairs.itertuples(index=False):
        shared = {v for i, v in left if i == row.commercetools_id} & {
            v for i, v in right if i == row.lightspeed_id
        }
        assert any(bearers[0][v] == 1 and bearers[1][v] == 1 for v in shared - {""})


@hypothesis_settings(max_examples=300)
@hypothesis_given(
    values=st.tuples(*[st.sampled_from([None, "", "a", "b", "c"])] * 3),
    owner=OWNERS,
    minutes=st.integers(-10, 10),
)
def test_a_field_goes_one_way_or_none_and_unknown_never_moves(values: Any, owner: Any, minutes: int) -> None:
    left, right, base = (pd.Series([v], dtype="string") for v in values)
    now = pd.Series([pd.Timestamp("2026-11-23T10:00:00Z")])
    decision = merge_field(
        "name", owner, left, right, base, now + pd.Timedelta(minutes=minutes), now, pd.Timedelta(minutes=2)
    )
    there, back, conflict = (
        bool(x[0]) for x in (decision.to_lightspeed, decision.to_commercetools, decision.conflict)
    )
    assert there + back + conflict <= 1
    if values[0] is None or values[1] is None or values[0] == values[1] or owner == "none":
        assert not (there or back or conflict)
    if owner in ("commercetools", "lightspeed"):
        assert not conflict and not (back if owner == "commercetools" else there)
    if values[2] is None and there:
        assert values[0] != ""
    if values[2] is None and back:
        assert values[1] != ""


def test_canonical_tables_refuse_money_as_float() -> None:
    import pytest

    with pytest.raises(ValueError, match="price"):
        table("variant", [{"id": "v", "price": 10.5}])
    with pytest.raises(ValueError, match="supply_price"):
        table("variant", [{"id": "v", "supply_price": 0.1}])
