"""A plan made from what its records depend on is the plan made from everything."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hypothesis import HealthCheck
from hypothesis import given as hypothesis_given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import Link, new_id
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.products.mirror import ENTITY, KINDS, load_side, see
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.products.scope import Scope, load_all, load_scope
from tests.sync.shop import product, side, variant

SKUS = st.sampled_from(["", "A", "a", "А", "B", "C", "D", "E", "F", "4006381333931"])
BARCODES = st.lists(
    st.sampled_from(["4006381333931", "04006381333931", "0012345678905", "A", "F"]), max_size=2
)
NAMES = st.sampled_from(["Mug", "mug", "Cup", "Pot", "Pan", ""])
KEYS = st.sampled_from(["", "", "k1", "k2", "k3"])
GONE = st.sampled_from([None, None, None, "2026-11-23T09:00:00Z"])
SETTINGS = st.fixed_dictionaries(
    {
        "match": st.sampled_from([["sku", "barcode", "key"], ["barcode", "sku"], ["sku"], ["key", "sku"]]),
        "create": st.sampled_from(
            [["commercetools", "lightspeed"], ["commercetools", "lightspeed"], ["lightspeed"], []]
        ),
        "deletions": st.sampled_from(["deactivate", "report"]),
        "sku_capitals_count": st.booleans(),
        "rules": st.fixed_dictionaries(
            {
                "sku_looks_alike": st.sampled_from(["off", "hold", "warn"]),
                "sku_moved": st.sampled_from(["off", "hold", "block"]),
                "sku_duplicate": st.sampled_from(["hold", "block", "warn"]),
            }
        ),
    }
)


@st.composite
def shops(draw: st.DrawFn, prefix: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    products: list[dict[str, Any]] = []
    variants: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        pid = f"{prefix}{number}"
        listed = draw(st.sampled_from([True, True, True, False]))
        products.append(product(pid, draw(NAMES), key=draw(KEYS), listed=listed, deleted_at=draw(GONE)))
        for place in range(draw(st.integers(1, 3))):
            variants.append(
                variant(
                    f"{pid}:{place}",
                    pid,
                    draw(SKUS),
                    barcodes=draw(BARCODES),
                    price=draw(st.sampled_from([100, 200])),
                    active=draw(st.sampled_from([True, True, False])),
                    option_values=[["c", str(place)]],
                    deleted_at=draw(GONE),
                )
            )
    return products, variants


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    left, right = draw(shops("c")), draw(shops("l"))
    ids = {
        (system, kind): [row["id"] for row in rows]
        for system, shop in zip(SYSTEMS, (left, right), strict=True)
        for kind, rows in zip(KINDS, shop, strict=True)
    }
    links: dict[str, list[tuple[str, str]]] = {}
    for kind in KINDS:
        ours = draw(st.permutations(ids["commercetools", kind]))
        theirs = draw(st.permutations(ids["lightspeed", kind]))
        links[kind] = list(zip(ours, theirs, strict=False))[: draw(st.integers(0, 6))]
    parents = [draw(st.sampled_from([None, *links["product"]])) for _ in links["variant"]]
    affected = {
        system: {kind: draw(st.sets(st.sampled_from(ids[system, kind]), max_size=2)) for kind in KINDS}
        for system in SYSTEMS
    }
    return {
        "sides": {"commercetools": left, "lightspeed": right},
        "links": links,
        "parents": parents,
        "affected": affected,
    }


def keep(ledger: Ledger, world: dict[str, Any]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("TRUNCATE mirror, links"))
    for system, shop in world["sides"].items():
        see(ledger, "run", system, side(*shop))
    made: dict[tuple[str, str] | None, str] = {}
    links: list[Link] = []
    for kind in KINDS:
        for pair, parent in zip(
            world["links"][kind],
            [None] * 9 if kind == "product" else world["parents"],
            strict=False,
        ):
            one = Link(
                id=new_id(), entity=ENTITY, kind=kind, commercetools_id=pair[0], lightspeed_id=pair[1],
                parent_id=made.get(parent) if parent else None, matched_by="sku", run_id="run",
                base={"brand": "Acme"} if kind == "product" else {"price": 100},
            )  # fmt: skip
            if kind == "product":
                made[pair] = one.id
            links.append(one)
    ledger.links.add(links)


def planned(scope: Scope, world: dict[str, Any], settings: ProductSettings) -> Plan:
    affected = {s: {k: set(ids) for k, ids in kinds.items()} for s, kinds in world["affected"].items()}
    return plan_products(
        PlanInput(
            scope.sides, scope.links, affected, settings, "en-GB", linked_elsewhere=scope.linked_elsewhere
        )
    )


def comparable(findings: list[Finding]) -> dict[str, Finding]:
    return {repr(asdict(one)): one for one in findings}


@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@hypothesis_given(world=worlds(), given=SETTINGS)
def test_the_plan_of_the_closure_is_the_plan_of_the_whole(
    module_ledger: Ledger, world: dict[str, Any], given: dict[str, Any]
) -> None:
    keep(module_ledger, world)
    settings = ProductSettings.model_validate({"product_type": "main", **given})
    affected = world["affected"]
    whole, part = load_all(module_ledger), load_scope(module_ledger, affected)
    expected, found = planned(whole, world, settings), planned(part, world, settings)
    looked_at = {f"{s}:{one}" for s in SYSTEMS for kind in KINDS for one in affected[s][kind]}

    def touches(link: LinkRef) -> bool:
        return any(link.side(s) in affected[s][link.kind] for s in SYSTEMS)

    assert found.changes == expected.changes
    assert found.dispositions.to_dict("list") == expected.dispositions.to_dict("list")
    assert found.new_links == expected.new_links
    assert found.agreed == expected.agreed
    assert {one.link_id for one in found.retired} <= {one.link_id for one in expected.retired}
    assert [one for one in found.retired if touches(one)] == [one for one in expected.retired if touches(one)]
    for mine, all_ in ((found.holds, expected.holds), (found.warnings, expected.warnings)):
        some, every = comparable(mine), comparable(all_)
        assert some.keys() <= every.keys()
        about = {
            text
            for text, one in every.items()
            if looked_at & {one.subject, str(one.evidence.get("partner", ""))}
        }
        assert about <= some.keys()
    for system in SYSTEMS:
        here = sum(whole.sides[system].variants["deleted_at"].isna())
        linked = {link.side(system) for link in whole.links["variant"]}
        lives = set(whole.sides[system].variants.loc[lambda f: f["deleted_at"].isna(), "id"])
        assert here >= part.linked_elsewhere(system) >= 0
        known = {link.side(system) for link in part.links["variant"]} & {
            str(one) for one in part.sides[system].variants.loc[lambda f: f["deleted_at"].isna(), "id"]
        }
        assert part.linked_elsewhere(system) + len(known) == len(linked & lives)


def test_what_shares_nothing_is_not_loaded(module_ledger: Ledger) -> None:
    shop = {
        "commercetools": (
            [product(f"c{n}", f"Thing {n}") for n in range(9)],
            [variant(f"c{n}:1", f"c{n}", f"S{n}") for n in range(9)],
        ),
        "lightspeed": (
            [product(f"l{n}", f"Other {n}") for n in range(9)],
            [variant(f"l{n}:1", f"l{n}", f"S{n}") for n in range(9)],
        ),
    }
    keep(module_ledger, {"sides": shop, "links": {"product": [("c3", "l3")], "variant": []}, "parents": []})
    affected: dict[str, Any] = {
        "commercetools": {"product": set(), "variant": {"c1:1"}},
        "lightspeed": {"product": {"l3"}, "variant": {"gone"}},
    }
    scope = load_scope(module_ledger, affected)
    assert {system: set(scope.sides[system].products["id"]) for system in SYSTEMS} == {
        "commercetools": {"c1", "c3"},
        "lightspeed": {"l1", "l3"},
    }
    assert set(load_side(module_ledger, "lightspeed").products["id"]) == {f"l{n}" for n in range(9)}


def test_whoever_bears_the_same_name_or_key_is_loaded_with_all_its_variants_and_their_like(
    module_ledger: Ledger,
) -> None:
    shop = {
        "commercetools": (
            [
                product("c1", "Mug"),
                product("c2", "MUG"),
                product("c3", "Pot"),
                product("c4", "Bowl", key="k"),
            ],
            [variant(f"c{n}:1", f"c{n}", f"S{n}") for n in (1, 2, 3, 4)],
        ),
        "lightspeed": (
            [
                product("l1", "mug "),
                product("l2", "Pan"),
                product("l3", "Pan", key="k"),
                product("l4", "Cup"),
            ],
            [variant("l1:1", "l1", "S2"), variant("l1:2", "l1", "S3"), variant("l4:1", "l4", "S9")],
        ),
    }
    keep(module_ledger, {"sides": shop, "links": {"product": [], "variant": []}, "parents": []})
    affected: dict[str, Any] = {
        "commercetools": {"product": {"c4"}, "variant": {"c1:1"}},
        "lightspeed": {"product": set(), "variant": set()},
    }
    scope = load_scope(module_ledger, affected)
    assert {system: set(scope.sides[system].products["id"]) for system in SYSTEMS} == {
        "commercetools": {"c1", "c2", "c3", "c4"},
        "lightspeed": {"l1", "l3"},
    }
