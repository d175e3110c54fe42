"""The twelve rules that never break, each with somebody who tries to break it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retail_sync.records.errors import ConfigurationFault, ProtocolFault, TransientError
from retail_sync.sync.engine.staging import Staging
from sandbox.shop import Shop
from tests.support.worlds import World, world_of

ALWAYS: dict[str, Any] = {"times": None}


def linked_skus(world: World, count: int, *, family_of_one: bool = False) -> list[str]:
    """SKUs of unheld linked products, each of another product."""
    held = {hold.subject for hold in world.holds()}
    found: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for row in world.till.all_products():
        sizes[row["family_id"]] = sizes.get(row["family_id"], 0) + 1
    till = {row["sku"]: row for row in world.till.all_products()}
    linked = {link.commercetools_id for link in world.ledger.links.read("products", "variant")}
    for product in world.online_products():
        data = product["masterData"]["current"]
        for variant in [data["masterVariant"], *data["variants"]]:
            record = f"{product['id']}:{variant['id']}"
            sku = variant.get("sku")
            if record not in linked or f"commercetools:{record}" in held or sku not in till:
                continue
            if f"commercetools:{product['id']}" in held or (
                family_of_one and sizes[till[sku]["family_id"]] > 1
            ):
                continue
            found.setdefault(product["id"], sku)
    return list(found.values())[:count]


def test_rule_1_a_cursor_never_hides_a_failure(sample: World) -> None:
    sample.run("products", "full")
    (sku,) = linked_skus(sample, 1)
    sample.rename_online(sample.online_variant(sku)[0], "Neuer Name")
    sample.faults["lightspeed"].add(
        {
            "match": "/products/",
            "method": "PUT",
            "kind": "status",
            "status": 422,
            "body": {"error": "no"},
            **ALWAYS,
        }
    )
    sample.set("limits", failed_share=1.0)
    before = sample.ledger.runs.cursor("products", "commercetools")
    ran = sample.run("products", "delta")
    assert ran.accounts.failed == 1
    assert sample.ledger.runs.cursor("products", "commercetools") != before
    (hold,) = [
        h
        for h in sample.holds()
        if h.code not in {"waiting"}
        and "Neuer" not in h.message
        and h.severity == "hold"
        and h.run_id == ran.run_id
        and h.evidence
        and "wanted" in h.evidence
    ]
    assert hold.evidence["wanted"]["name.de-DE"] == "Neuer Name"
    sample.faults["lightspeed"].clear()
    # Its window is past by now: it has to come back by itself.
    sample.clock_ahead = timedelta(hours=1)
    limits = sample.settings.limits.commercetools.model_dump(mode="json")
    sample.set("limits", commercetools={**limits, "overlap_seconds": 120})
    sample.run("products", "delta")
    assert sample.till_product(sku)["name"] == "Neuer Name"
    assert hold.id not in {h.id for h in sample.holds()}


def test_rule_2_a_run_that_lost_a_record_fails_and_keeps_its_cursors(sample: World) -> None:
    def forget_a_record() -> None:
        staging = Staging(sample.staging, "broken", sample.ledger.checkpoints)
        document = staging.read_document("plan")
        document["summary"]["dispositions"]["planned"] -= 1
        staging.write_document("plan", document)

    with pytest.raises(ProtocolFault, match="do not add up"):
        sample.run("products", "full", before_load=forget_a_record, run_id="broken")
    assert sample.ledger.runs.get("broken").state == "failed"
    assert sample.ledger.runs.baseline("products") is None
    assert sample.ledger.runs.cursor("products", "commercetools") is None


def test_rule_4_missing_fields_change_nothing(sample: World) -> None:
    sample.run("products", "full")
    before = sample.state()
    sample.faults["lightspeed"].add(
        {
            "match": "/products$",
            "method": "GET",
            "kind": "drop_fields",
            "fields": [
                "price_including_tax",
                "price_excluding_tax",
                "supply_price",
                "brand",
                "brand_id",
                "product_codes",
            ],
            **ALWAYS,
        }
    )
    ran = sample.run("products", "full")
    assert sample.state() == before, [c.after for c in sample.ledger.changes.read(ran.run_id)]


def test_rule_4_a_lost_page_deletes_nothing(sample: World) -> None:
    sample.run("products", "full")
    before = sample.state()
    empty = {"data": [], "version": {"min": None, "max": None}}
    sample.faults["lightspeed"].add(
        {"match": "/products$", "method": "GET", "kind": "status", "status": 200, "body": empty, **ALWAYS}
    )
    assert sample.run("products", "full").accounts.changes == 0
    assert sample.state() == before


def test_rule_4_a_store_that_knows_nothing_at_all_deletes_nothing(sample: World) -> None:
    sample.run("products", "full")
    before = sample.state()
    missing = {"match": "/products/", "method": "GET", "kind": "status", "status": 404, "body": {}, **ALWAYS}
    sample.faults["lightspeed"].add({"match": "/products$", "method": "GET", "kind": "short_list", **ALWAYS})
    sample.faults["lightspeed"].add(missing)
    with pytest.raises(ProtocolFault, match="those that should be"):
        sample.run("products", "full")
    assert sample.state() == before


def test_rule_5_ambiguous_records_are_neither_linked_nor_created(sample: World) -> None:
    sample.run("products", "full")
    assert [row["sku"] for row in sample.till.all_products()].count("UL-PFEIFE") == 2
    held = [hold for hold in sample.holds() if hold.code == "ambiguous"]
    assert len(held) == 3
    online = next(hold for hold in held if hold.system == "commercetools")
    assert len(online.evidence["candidates"]["lightspeed"]) == 2
    linked = {link.commercetools_id for link in sample.ledger.links.read("products", "variant")}
    assert online.source_id not in linked


def test_rule_6_no_write_outside_ownership_even_if_the_plan_says_so(sample: World) -> None:
    sample.run("products", "full")
    (sku,) = linked_skus(sample, 1)
    sample.rename_online(sample.online_variant(sku)[0], "Neuer Name")

    def forge() -> None:
        with sample.ledger.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE changes SET after = CAST(:after AS jsonb) WHERE outcome = 'planned'"),
                {"after": json.dumps({"supplier": "Somebody else"})},
            )

    sample.forget_requests()
    with pytest.raises(ConfigurationFault, match="outside ownership"):
        sample.run("products", "delta", before_load=forge)
    assert sample.writes() == []


@pytest.mark.parametrize("kind", ["timeout_after", "cut", "html"])
def test_rule_7_a_creation_with_an_unknown_outcome_is_looked_up_and_never_made_twice(
    sample_shop: Shop, ledger_url: str, tmp_path: Path, kind: str
) -> None:
    with world_of(
        sample_shop, ledger_url, tmp_path, {"limits": {"lightspeed": {"timeout_seconds": 2}}}
    ) as world:
        rule = {"match": "/products$", "method": "POST", "kind": kind, "times": 3, "after": 2}
        if kind == "html":
            rule["status"] = 200
        if kind == "timeout_after":
            rule["delay"] = 0.1
        world.faults["lightspeed"].add(rule)
        ran = world.run("products", "full")
        assert ran.accounts.failed == 0
        skus = [row["sku"] for row in world.till.all_products() if row["sku"] != "UL-PFEIFE"]
        assert len(skus) == len(set(skus))
        world.forget_requests()
        assert world.run("products", "full").accounts.changes == 0 and world.writes() == []


def test_rule_7_a_creation_online_with_an_unknown_outcome_is_found_by_its_key(sample: World) -> None:
    sample.faults["commercetools"].add(
        {"match": "/products$", "method": "POST", "kind": "timeout_after", "times": 2, "delay": 0.1}
    )
    ran = sample.run("products", "full")
    assert ran.accounts.failed == 0
    keys = [product.get("key") for product in sample.online_products()]
    assert len(keys) == len(set(keys))
    assert _written_again(sample) == []


def _written_again(world: World) -> list[Any]:
    """What a further full run would still write: nothing, if nothing was lost or doubled."""
    ran = world.run("products", "full")
    return [(c.system, c.label, dict(c.before), dict(c.after)) for c in world.ledger.changes.read(ran.run_id)]


def test_rule_8_private_fields_stop_at_the_reader(sample_shop: Shop, ledger_url: str, tmp_path: Path) -> None:
    planted = "PLANTED-private-margin-4711"
    exclude = {"commercetools": ["metaDescription"], "lightspeed": ["account_code"]}
    with world_of(sample_shop, ledger_url, tmp_path, {"privacy": {"exclude": exclude}}) as world:
        for product in world.online_products()[:5]:
            world.online.update(
                "products",
                [{"action": "setMetaDescription", "metaDescription": {"de-DE": planted}, "staged": False}],
                id=product["id"],
            )
        for row in world.till.all_products()[:5]:
            world.till.edit_product(row["id"], account_code_sale=planted)
        world.faults["lightspeed"].add(
            {"match": "/products$", "method": "POST", "kind": "status", "status": 422, "times": 2}
        )
        world.run("products", "full")
        with world.ledger.engine.connect() as connection:
            for name in ("mirror", "links", "changes", "holds", "exchanges", "runs", "checkpoints"):
                rows = connection.execute(sa.text(f"SELECT t::text FROM {name} t")).scalars()
                assert not [row for row in rows if planted in row], name
        assert not [e for e in world.sink.exchanges if planted in str(e)]
        import gzip

        for path in tmp_path.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                data = gzip.decompress(data) if path.suffix == ".gz" else data
                assert planted.encode() not in data, path.name


def test_rule_9_money_is_sent_as_exact_decimals(sample: World) -> None:
    sample.run("products", "full")
    for request in sample.requests("lightspeed"):
        if request.method in {"POST", "PUT"} and "price" in request.body:
            numbers = json.loads(request.body, parse_float=str)
            for text in _prices(numbers):
                assert len(str(text).partition(".")[2]) <= 5, text


def _prices(value: Any) -> list[Any]:
    if isinstance(value, dict):
        own = [v for k, v in value.items() if "price" in k and not isinstance(v, (dict, list))]
        return own + [x for v in value.values() for x in _prices(v)]
    if isinstance(value, list):
        return [x for v in value for x in _prices(v)]
    return []


def test_rule_10_one_bad_record_never_blocks_the_others(sample: World) -> None:
    sample.faults["lightspeed"].add(
        {
            "match": "/products$",
            "method": "POST",
            "kind": "status",
            "status": 422,
            "body": {"error": "refused"},
            "body_match": "Daunenjacke",
            **ALWAYS,
        }
    )
    sample.set("limits", failed_share=1.0)
    ran = sample.run("products", "full")
    assert 0 < ran.accounts.failed < 15
    assert ran.accounts.applied > 100
    assert ran.accounts.add_up


def test_rule_10_a_variant_the_till_refuses_does_not_stop_its_sisters(sample: World) -> None:
    there = {row["sku"] for row in sample.till.all_products()}
    product = next(
        p
        for p in sample.shop.products
        if len(p.get("variants", [])) == 3
        and not there & {v.get("sku") for v in [p["masterVariant"], *p["variants"]]}
    )
    bad = product["variants"][0]["sku"]
    sample.faults["lightspeed"].add(
        {
            "match": "/products$",
            "method": "POST",
            "kind": "status",
            "status": 422,
            "body": {"error": "refused"},
            "body_match": f'"{bad}"',
            **ALWAYS,
        }
    )
    sample.set("limits", failed_share=1.0)
    ran = sample.run("products", "full")
    rows = [c for c in sample.ledger.changes.read(ran.run_id) if c.outcome == "failed"]
    assert [row.label for row in rows] == [bad]
    till = {row["sku"] for row in sample.till.all_products()}
    assert {v["sku"] for v in product["variants"][1:]} <= till and bad not in till


def test_rule_11_older_data_never_wins(sample: World) -> None:
    sample.run("products", "full")
    (sku,) = linked_skus(sample, 1)
    till_id = sample.till_product(sku)["id"]
    (row,) = sample.ledger.mirror.read("products", "variant", "lightspeed", ids=[till_id])
    from dataclasses import replace

    late = replace(row, version=(row.version or 2) - 1, fields={**row.fields, "price": 1})
    seen = sample.ledger.mirror.see("products", "variant", "lightspeed", "late", [late])
    assert seen.older == 1
    before = sample.state()
    sample.run("products", "delta")
    assert sample.state() == before


def test_rule_12_a_target_edited_between_plan_and_load_is_merged_again(sample: World) -> None:
    sample.run("products", "full")
    first, second = linked_skus(sample, 2, family_of_one=True)
    sample.rename_online(sample.online_variant(first)[0], "Neuer Name")
    sample.till.edit_product(sample.till_product(second)["id"], supply_price="9.87")

    def meanwhile() -> None:
        # Somebody renames the product at the till, and describes the other one online, after the plan was made.
        sample.till.edit_product(sample.till_product(first)["id"], name="Inzwischen umbenannt")
        product, _ = sample.online_variant(second)
        sample.online.update(
            "products",
            [
                {
                    "action": "setDescription",
                    "description": {"de-DE": "Inzwischen beschrieben"},
                    "staged": False,
                }
            ],
            id=product["id"],
        )

    ran = sample.run("products", "delta", before_load=meanwhile)
    assert ran.accounts.failed == 0
    assert sample.till_product(first)["name"] == "Neuer Name"
    product, variant = sample.online_variant(second)
    assert product["masterData"]["current"]["description"]["de-DE"] == "Inzwischen beschrieben"
    prices = {a["name"]: a["value"] for a in variant["attributes"]}
    assert prices["purchase-price"]["centAmount"] == 987
    change = next(c for c in sample.ledger.changes.read(ran.run_id) if "name.de-DE" in c.after)
    assert change.before["name.de-DE"] == "Inzwischen umbenannt"


def test_rule_12_a_target_that_already_shows_the_value_is_not_written(sample: World) -> None:
    sample.run("products", "full")
    (sku,) = linked_skus(sample, 1, family_of_one=True)
    sample.rename_online(sample.online_variant(sku)[0], "Neuer Name")
    sample.forget_requests()

    def meanwhile() -> None:
        sample.till.edit_product(sample.till_product(sku)["id"], name="Neuer Name")

    ran = sample.run("products", "delta", before_load=meanwhile)
    assert ran.accounts.already_there == 1 and sample.writes("lightspeed") == []


def test_a_run_waits_out_a_storm_and_an_interrupted_load_goes_on_where_it_was(sample: World) -> None:
    storm = {
        "match": "/products",
        "method": "POST",
        "kind": "status",
        "status": 503,
        "after": 20,
        "times": 40,
    }
    sample.faults["lightspeed"].add(storm)
    try:
        sample.run("products", "full", run_id="stormy")
    except TransientError:
        sample.faults["lightspeed"].clear()
        sample.run("products", "full", run_id="stormy")
    skus = [row["sku"] for row in sample.till.all_products() if row["sku"] != "UL-PFEIFE"]
    assert len(skus) == len(set(skus))
    assert _written_again(sample) == []
