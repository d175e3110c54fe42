"""Products both ways over HTTP: whole runs, then the end states of both systems compared field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stdnum import ean

from retail_sync.records.errors import ConfigurationFault
from sandbox.shop import Shop
from tests.support.worlds import World


def codes(world: World) -> set[str]:
    return {hold.code for hold in world.holds()}


def till_by_sku(world: World) -> dict[str, dict[str, Any]]:
    return {row["sku"]: row for row in world.till.all_products()}


def shown_online(world: World, sku: str) -> dict[str, Any]:
    product, variant = world.online_variant(sku)
    attributes = {a["name"]: a["value"] for a in variant.get("attributes", [])}
    return {"product": product, "variant": variant, "attributes": attributes}


def eur_price(variant: dict[str, Any], country: str = "DE") -> int | None:
    for price in variant.get("prices", []):
        if (
            price["value"]["currencyCode"] == "EUR"
            and price.get("country") == country
            and not price.get("channel")
        ):
            return int(price["value"]["centAmount"])
    return None


# --- goodstore: a real shop into an empty till --------------------------------------------------------------------


def test_goodstore_arrives_at_the_till_with_families_options_skus_prices_and_tax(
    goodstore: World, goodstore_shop: Shop
) -> None:
    ran = goodstore.run("products", "full")
    assert ran.accounts.add_up and ran.accounts.failed == 0
    till = till_by_sku(goodstore)
    furniture = [p for p in goodstore_shop.products if p["productType"]["key"] == "furniture-and-decor"]
    held = {hold.label for hold in goodstore.holds()}
    skus = [(p, v) for p in furniture for v in [p["masterVariant"], *p.get("variants", [])]]
    assert len(furniture) == 115 and len(skus) == 141
    arrived = [(p, v) for p, v in skus if v["sku"] in till]
    assert {v["sku"] for _, v in skus} - {v["sku"] for _, v in arrived} <= held
    for product, variant in arrived:
        row = till[variant["sku"]]
        assert row["name"] == product["name"]["en-GB"]
        cents = next(
            p for p in variant["prices"] if p.get("country") == "DE" and p["value"]["currencyCode"] == "EUR"
        )
        assert round(float(row["price_excluding_tax"]) * 100) == cents["value"]["centAmount"]
        assert row["active"] is True
        options = {o["name"]: o["value"] for o in row["variant_options"]}
        colour = next(
            (a["value"]["en-GB"] for a in variant["attributes"] if a["name"] == "colorlabel"), ""
        ).strip()
        if "Color" in options:
            assert options["Color"] == colour
    families: dict[str, set[str]] = {}
    for product, variant in arrived:
        families.setdefault(product["key"], set()).add(till[variant["sku"]]["family_id"])
    assert all(len(family) == 1 for family in families.values())


def test_goodstore_all_products_arrive(goodstore: World) -> None:
    goodstore.run("products", "full")
    assert goodstore.holds() == []
    assert len(goodstore.till.all_products()) == 143  # 141 variants and the set's two


def test_a_second_full_run_of_goodstore_writes_nothing_on_either_side(goodstore: World) -> None:
    goodstore.run("products", "full")
    before = goodstore.state()
    goodstore.forget_requests()
    ran = goodstore.run("products", "full")
    assert goodstore.writes() == [] and ran.accounts.changes == 0
    assert goodstore.state() == before


# --- the sample shop: two shops that both already have products ------------------------------------------------------


def test_the_sample_shop_aligns_and_every_bad_record_is_held_for_its_own_reason(sample: World) -> None:
    ran = sample.run("products", "full")
    assert ran.accounts.add_up and ran.accounts.failed == 0
    held = {(hold.code, hold.label) for hold in sample.holds()}
    for code, label in [
        ("barcode_duplicate", "UL-LATERNE"),
        ("barcode_duplicate", "UL-LICHTK"),
        ("price_missing", "TW-FLAGGE"),
        ("name_duplicate", "Tagesrucksack Feldrain"),
        ("ambiguous", "UL-PFEIFE"),
        ("identity_conflict", "UL-KOMPASS"),
        ("barcode_duplicate", "UL-LUPE"),
    ]:
        assert (code, label) in held, (code, label)
    assert {"sku_missing", "tax_class_unmapped", "too_many_options", "name_too_long"} <= codes(sample)
    assert "required_attribute_missing" in codes(sample)
    assert set(ran.plan.warnings) == {"barcode_invalid", "html_unsafe"}
    till = till_by_sku(sample)
    cap = till["TW-KAPPE-BLK"]
    assert "085009101821" not in {code["code"] for code in cap["product_codes"]}


def test_after_alignment_both_shops_show_the_same_field_by_field(sample: World) -> None:
    sample.run("products", "full")
    links = sample.ledger.links.read("products", "variant")
    assert len(links) > 150
    mirrored = {
        system: {row.id: row for row in sample.ledger.mirror.read("products", "variant", system)}
        for system in ("commercetools", "lightspeed")
    }
    owners = sample.settings.products
    for link in links:
        left = mirrored["commercetools"][link.commercetools_id].fields
        right = mirrored["lightspeed"][link.lightspeed_id].fields
        for name in set(left) & set(right) - {"option_values"}:
            if owners.owner_of(name) != "none" and not _held(sample, link.commercetools_id):
                assert left[name] == right[name] or not left[name] or not right[name], (left["sku"], name)


def _held(world: World, record: str) -> bool:
    return any(hold.subject == f"commercetools:{record}" for hold in world.holds())


def test_articles_only_at_the_till_are_created_online_with_price_tax_and_barcode(sample: World) -> None:
    before = {v.get("sku") for p in sample.online_products() for v in _current(p)}
    till_only = [row for row in sample.till.all_products() if row["sku"] not in before and row["active"]]
    sample.run("products", "full")
    created = 0
    for row in till_only:
        try:
            shown = shown_online(sample, row["sku"])
        except LookupError:
            continue
        created += 1
        assert shown["product"]["masterData"]["current"]["name"]["de-DE"] == row["name"]
        assert eur_price(shown["variant"]) == round(float(row["price_including_tax"]) * 100)
        codes = {c["code"] for c in row["product_codes"]} - {row["sku"]}
        if codes:
            assert shown["attributes"]["barcode"] in codes
        assert shown["product"]["taxCategory"]
    assert created >= 5


def _current(product: dict[str, Any]) -> list[dict[str, Any]]:
    data = product["masterData"]["current"]
    return [data["masterVariant"], *data["variants"]]


def test_a_second_full_run_of_the_sample_shop_writes_nothing(sample: World) -> None:
    sample.run("products", "full")
    before = sample.state()
    sample.forget_requests()
    ran = sample.run("products", "full")
    assert sample.writes() == [] and ran.accounts.changes == 0
    assert sample.state() == before


def test_one_edit_on_one_side_writes_exactly_one_record(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    sample.forget_requests()
    sample.rename_online(product, "Neuer Name")
    ran = sample.run("products", "delta")
    assert ran.accounts.changes == ran.accounts.applied == 1
    assert len(sample.writes("lightspeed")) == 1 and sample.writes("commercetools") == []
    assert sample.till_product(sku)["name"] == "Neuer Name"
    sample.forget_requests()
    again = sample.run("products", "delta")
    assert again.accounts.changes == 0 and sample.writes() == []


def _pair(world: World, *, variants: int | None = None) -> tuple[str, dict[str, Any]]:
    """A linked, unheld product: one of its SKUs and the product online."""
    held = {hold.subject for hold in world.holds()}
    linked = {link.commercetools_id for link in world.ledger.links.read("products", "variant")}
    by_id = {p["id"]: p for p in world.online_products()}
    for variant_id in sorted(linked):
        product = by_id[variant_id.split(":")[0]]
        if variants is not None and len(_current(product)) != variants:
            continue
        if f"commercetools:{variant_id}" in held or f"commercetools:{product['id']}" in held:
            continue
        sku = next(v["sku"] for v in _current(product) if f"{product['id']}:{v['id']}" == variant_id)
        if till_by_sku(world).get(sku, {}).get("product_suppliers"):
            return sku, product
    raise LookupError("no linked product")


def test_edits_of_different_fields_on_both_sides_are_both_kept(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    sample.rename_online(product, "Neuer Name")
    sample.till.edit_product(sample.till_product(sku)["id"], supply_price="3.21")
    sample.run("products", "delta")
    assert sample.till_product(sku)["name"] == "Neuer Name"
    assert shown_online(sample, sku)["attributes"]["purchase-price"]["centAmount"] == 321


def test_edits_of_the_same_field_the_owner_wins_and_the_loser_is_in_the_audit(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    sample.rename_online(product, "Online")
    sample.till.edit_product(sample.till_product(sku)["id"], name="Kasse")
    ran = sample.run("products", "delta")
    assert sample.till_product(sku)["name"] == "Online"
    (change,) = [c for c in sample.ledger.changes.read(ran.run_id) if "name.de-DE" in c.after]
    assert change.before["name.de-DE"] == "Kasse" and change.after["name.de-DE"] == "Online"
    assert "commercetools owns" in change.reasons["name.de-DE"]
    assert change.exchange_ids and change.outcome == "applied"


def test_a_delta_before_the_first_alignment_says_what_to_press(sample: World) -> None:
    with pytest.raises(ConfigurationFault, match="mode=full"):
        sample.run("products", "delta")


def test_a_run_for_keys_touches_only_these_and_moves_no_cursor(sample: World) -> None:
    sample.run("products", "full")
    cursors = [sample.ledger.runs.cursor("products", s) for s in ("commercetools", "lightspeed")]
    sku, product = _pair(sample)
    for each in (product, next(p for p in sample.online_products() if p["id"] != product["id"])):
        name = {**each["masterData"]["current"]["name"], "de-DE": f"Neu {each['key']}"}
        sample.online.update(
            "products", [{"action": "changeName", "name": name, "staged": False}], id=each["id"]
        )
    ran = sample.run("products", "delta", keys=[sku])
    assert ran.accounts.applied == 1
    assert [sample.ledger.runs.cursor("products", s) for s in ("commercetools", "lightspeed")] == cursors


def test_unpublishing_online_deactivates_at_the_till_and_nothing_is_deleted(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    sample.online.update("products", [{"action": "unpublish"}], id=product["id"])
    sample.run("products", "delta")
    assert sample.till_product(sku)["active"] is False
    assert not any(row["deleted_at"] for row in sample.till.all_products(deleted=True) if row["sku"] == sku)


def test_a_deletion_at_the_till_unpublishes_online_and_a_deletion_online_deactivates_at_the_till(
    sample: World,
) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample, variants=1)
    sample.till.delete_product(sample.till_product(sku)["id"], whole_family=True)
    sample.run("products", "delta")
    assert sample.online.get("products", id=product["id"])["masterData"]["published"] is False
    other = next(
        p
        for p in sample.online_products()
        if p["id"] != product["id"]
        and p["masterData"]["published"]
        and _current(p)[0].get("sku") in till_by_sku(sample)
        and not _held(sample, f"{p['id']}:1")
        and any(
            link.commercetools_id == f"{p['id']}:1"
            for link in sample.ledger.links.read("products", "variant")
        )
    )
    sku = _current(other)[0]["sku"]
    sample.online.update("products", [{"action": "unpublish"}], id=other["id"])
    sample.online.delete("products", id=other["id"])
    sample.run("products", "full")  # deletions online are invisible to deltas: a complete read proves them
    assert sample.till_product(sku)["active"] is False


def test_a_corrected_record_is_released_by_itself(sample: World) -> None:
    sample.run("products", "full")
    product, variant = sample.online_variant("UL-LATERNE")
    right = "409987100999" + ean.calc_check_digit("409987100999")
    sample.online.update(
        "products",
        [
            {
                "action": "setAttribute",
                "variantId": variant["id"],
                "name": "barcode",
                "value": right,
                "staged": False,
            }
        ],
        id=product["id"],
    )
    sample.run("products", "delta")
    assert "UL-LATERNE" in till_by_sku(sample)
    assert not [h for h in sample.holds() if h.label == "UL-LATERNE"]


def test_the_audit_says_what_why_and_which_exchange(sample: World) -> None:
    ran = sample.run("products", "full")
    rows = sample.ledger.changes.read(ran.run_id)
    assert rows and all(row.reasons and row.outcome == "applied" and row.exchange_ids for row in rows)
    assert all(row.result_id and row.source_id and row.source_version for row in rows)
    json.dumps([dict(row.after) for row in rows])
