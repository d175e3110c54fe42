"""Rows of every kind become the right records; the pure half of the adapter."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.lightspeed.x_series.api.money import PriceRule
from retail_sync.lightspeed.x_series.api.numbers import number, storable
from retail_sync.lightspeed.x_series.api.store import StoreFacts, outlets_that_count
from retail_sync.lightspeed.x_series.api.wire import Outlet, Retailer, Tax
from retail_sync.lightspeed.x_series.products.barcodes import barcodes_of, code_list, type_of
from retail_sync.lightspeed.x_series.products.read import to_tables
from retail_sync.records.products import COLUMNS, ProductTables, column_of
from retail_sync.records.rows import UnreadableRows, read_apart
from retail_sync.records.types import DTYPES, decimal_text
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.bodies import parse
from tests.lightspeed.till import make_settings, plain, record

GST = Tax.model_validate({"id": "gst", "name": "GST", "is_default": True, "rates": [{"rate": "0.15"}]})
FREE = Tax.model_validate({"id": "free", "name": "No Tax", "rates": [{"rate": 0}]})
CITY = Tax.model_validate({"id": "city", "name": "City", "rates": [{"rate": "0.04"}, {"rate": "0.045"}]})
OUTLETS = (
    Outlet(id="o1", name="One", default_tax_id="gst"),
    Outlet(id="o2", name="Two", default_tax_id="gst"),
)
CLASSES = [
    {"name": "normal", "commercetools": "n", "lightspeed": "gst "},
    {"name": "none", "commercetools": "z", "lightspeed": "No Tax"},
]


def facts(exclusive: bool = False, **more: Any) -> StoreFacts:
    retailer = Retailer.model_validate(
        {"currency": {"code": "NZD"}, "tax_exclusive": exclusive, "discount_product_id": "discount"}
    )
    return StoreFacts(retailer, OUTLETS, {tax.id: tax for tax in (GST, FREE, CITY)}, **more)


def read(
    *rows: dict[str, Any], exclusive: bool = False, settings: SyncSettings | None = None
) -> ProductTables:
    return to_tables(rows, facts(exclusive), settings or make_settings(tax_classes=CLASSES))


def row(id: str = "p1", version: int = 1, **more: Any) -> dict[str, Any]:
    """A product row of the official example, as it is staged (fractions as text)."""
    return {
        "id": id,
        "family_id": "fam-1",
        "name": "Tee",
        "variant_name": "Tee / Red / M",
        "sku": f"SKU-{id}",
        "active": True,
        "is_active": True,
        "has_inventory": True,
        "has_variants": False,
        "is_composite": False,
        "variant_parent_id": None,
        "variant_options": [],
        "price_excluding_tax": "26.08696",
        "price_including_tax": 30,
        "supply_price": "12.5",
        "product_codes": [{"id": "c1", "type": "CUSTOM", "code": f"SKU-{id}"}],
        "brand_id": "b1",
        "brand": {"id": "b1", "name": "Puma", "version": 101},
        "product_type_id": "t1",
        "type": {"id": "t1", "name": "Tops", "version": 88},
        "tag_ids": ["g1"],
        "categories": [{"id": "g1", "name": "summer", "version": 77}],
        "product_suppliers": [],
        "supplier_id": None,
        "source": "USER",
        "source_id": None,
        "created_at": "2026-01-05T10:00:00+00:00",
        "updated_at": "2026-07-01T09:00:00+00:00",
        "deleted_at": None,
        "version": version,
        **more,
    }


def member(id: str, version: int, parent: str | None = "p1", **more: Any) -> dict[str, Any]:
    is_parent = parent is None
    return row(
        id,
        version,
        variant_parent_id=parent,
        has_variants=is_parent,
        variant_count=3 if is_parent else 0,
        variant_options=[{"id": "a", "name": "Size", "value": id}],
        **more,
    )


def only(tables: ProductTables) -> tuple[dict[str, Any], dict[str, Any]]:
    assert len(tables.products) == len(tables.variants) == 1
    return (
        plain("product", tables.products, tables.products.iloc[0]),
        plain("variant", tables.variants, tables.variants.iloc[0]),
    )


def test_every_column_is_declared_and_has_its_type_even_in_an_empty_table() -> None:
    for tables in (read(row()), read()):
        for kind in ("product", "variant"):
            frame = tables.of(kind)  # type: ignore[arg-type]
            for name in frame.columns:
                declared = column_of(kind, name)  # type: ignore[arg-type]
                assert str(frame[name].dtype) == DTYPES[declared.type], name
    identity = {c.name for c in COLUMNS["variant"] if not c.merged and not c.name.endswith(".*")}
    assert identity <= set(read(row()).variants.columns)


def test_a_standard_product() -> None:
    product, variant = only(read(row()))
    assert product == {
        "name.en": "Tee",
        "brand": "Puma",
        "category": "Tops",
        "tags": ["summer"],
        "supplier": "",
        "tax_class": "normal",
        "options": [],
        "tracked": True,
    }
    assert variant == {
        "sku": "SKU-p1",
        "barcodes": [],
        "option_values": [],
        "price": 3000,
        "supply_price": "12.5",
        "active": True,
    }


def test_null_is_empty_and_absent_is_unknown() -> None:
    absent = row()
    for name in (
        "brand",
        "brand_id",
        "type",
        "product_type_id",
        "description",
        "categories",
        "tag_ids",
        "has_inventory",
    ):
        absent.pop(name, None)
    product, _ = only(read(absent))
    assert not {"brand", "category", "tags", "description.en", "tracked"} & product.keys()
    empty = row(
        brand=None,
        brand_id=None,
        type=None,
        product_type_id=None,
        description=None,
        categories=[],
        tag_ids=[],
    )
    product, _ = only(read(empty))
    assert (product["brand"], product["category"], product["description.en"], product["tags"]) == (
        "",
        "",
        "",
        [],
    )


def test_a_price_that_is_null_is_unknown_and_not_zero() -> None:
    _, variant = only(read(row(price_including_tax=None, price_excluding_tax=None, supply_price=None)))
    assert "price" not in variant and "supply_price" not in variant
    assert only(read(row(price_including_tax=0)))[1]["price"] == 0


@pytest.mark.parametrize("money", [30, "30", "30.00000", 30.0, Decimal("30")])
def test_money_may_come_as_a_number_or_as_text(money: Any) -> None:
    assert only(read(row(price_including_tax=money)))[1]["price"] == 3000


@pytest.mark.parametrize("money", ["free", True, [], {}, "NaN", "Infinity"])
def test_an_unreadable_price_holds_its_record_and_harms_no_other(money: Any) -> None:
    tables, (held,) = read_apart([row("p1", price_including_tax=money), row("p2")], lambda rows: read(*rows))
    assert list(tables.variants["id"]) == ["p2"]
    assert (held.id, str(held)) == ("p1", "price_including_tax is not a number")


def test_a_price_that_does_not_survive_the_way_back_is_marked() -> None:
    def carried(tables: ProductTables) -> Any:
        return json.loads(tables.variants["carry"].iloc[0])["price_exact"]

    assert carried(read(row())) is True
    derived = read(row(), exclusive=True)
    assert derived.variants["price"].tolist() == [3000] and carried(derived) is True
    entered = read(row(price_excluding_tax="26.09"), exclusive=True)
    assert entered.variants["price"].tolist() == [3000] and carried(entered) is False
    too_fine = read(
        row(), exclusive=True, settings=make_settings(tax_classes=CLASSES, price={"tax": "excluded"})
    )
    assert too_fine.variants["price"].tolist() == [2609] and carried(too_fine) is False


def test_the_tax_is_the_rows_own_then_the_outlets_default() -> None:
    def tax_class(**more: Any) -> Any:
        return only(read(row(**more)))[0]["tax_class"]

    both = [{"outlet_id": "o1", "tax_id": "free"}, {"outlet_id": "o2", "tax_id": "free"}]
    assert tax_class(outlet_taxes=both) == "none"
    assert tax_class(outlet_taxes=both[:1]) == "?GST + No Tax"
    assert tax_class(outlet_taxes=[{"outlet_id": o, "tax_id": "city"} for o in ("o1", "o2")]) == "?City"
    assert tax_class(outlet_taxes=None) == "normal"


def test_only_outlets_of_configured_locations_count() -> None:
    settings = make_settings(locations=[{"name": "x", "outlet": " one"}])
    assert [o.id for o in outlets_that_count(OUTLETS, settings)] == ["o1"]
    assert outlets_that_count(OUTLETS, make_settings()) == OUTLETS


def test_a_family_is_one_product_under_its_parents_id_whatever_the_page_shows() -> None:
    whole = read(member("p1", 1, parent=None), member("p2", 2), member("p3", 3))
    part = read(member("p3", 9))
    assert whole.products["id"].tolist() == part.products["id"].tolist() == ["p1"]
    assert whole.variants["product_id"].tolist() == ["p1"] * 3
    assert whole.products["version"].tolist() == [3]
    assert plain("product", part.products, part.products.iloc[0])["options"] == ["Size"]


def test_family_fields_come_from_the_newest_row_that_is_alive() -> None:
    tables = read(
        member("p1", 1, parent=None, name="Old"),
        member("p2", 8, name="New"),
        member("p3", 9, name="Gone", deleted_at="2026-07-02T00:00:00Z"),
    )
    product = tables.products.iloc[0]
    assert product["name.en"] == "New" and product["version"] == 9 and product["deleted_at"] is pd.NaT


def test_a_row_that_shows_twice_counts_once_in_its_newest_form() -> None:
    tables = read(row(version=5, name="New"), row(version=4, name="Old"))
    assert tables.variants["version"].tolist() == [5] and tables.products["name.en"].tolist() == ["New"]


GONE = "2026-07-02 10:03:38"


def test_a_product_is_deleted_only_when_all_of_it_is_seen_deleted() -> None:
    def deleted(*rows: dict[str, Any]) -> bool:
        return bool(read(*rows).products["deleted_at"].notna().all())

    assert deleted(row(deleted_at=GONE))
    assert not deleted(member("p2", 2, deleted_at=GONE))
    assert not deleted(member("p1", 1, parent=None, deleted_at=GONE))
    assert not deleted(
        member("p1", 1, parent=None, deleted_at=GONE), member("p2", 2), member("p3", 3, deleted_at=GONE)
    )
    assert deleted(
        member("p1", 1, parent=None, deleted_at=GONE),
        member("p2", 2, deleted_at=GONE),
        member("p3", 3, deleted_at=GONE),
    )


def test_times_are_read_in_every_form() -> None:
    forms = [
        "2026-07-01T09:00:00+00:00",
        "2026-07-01T09:00:00Z",
        "2026-07-01 09:00:00",
        "2026-07-01T11:00:00+02:00",
    ]
    tables = read(*(row(f"p{n}", n, updated_at=form) for n, form in enumerate(forms)))
    assert tables.variants["modified_at"].nunique() == 1
    with pytest.raises(UnreadableRows, match="updated_at is no time"):
        read(row(updated_at="yesterday"))


def test_barcodes_of_every_type_leading_zeros_kept_without_the_sku() -> None:
    codes = [
        {"type": "CUSTOM", "code": "SKU-p1"},
        {"type": "UPC", "code": "012345678905"},
        {"type": "CUSTOM", "code": "shelf"},
    ]
    assert only(read(row(product_codes=codes)))[1]["barcodes"] == ["012345678905"]
    several = make_settings(tax_classes=CLASSES, barcodes_multiple=True)
    assert only(read(row(product_codes=codes), settings=several))[1]["barcodes"] == ["012345678905", "shelf"]


def test_a_blank_option_is_left_out_and_keeps_its_name() -> None:
    options = [{"id": "a", "name": "Size", "value": "M"}, {"id": "b", "name": "Fit", "value": ""}]
    product, variant = only(read(row(variant_options=options)))
    assert product["options"] == ["Size", "Fit"] and variant["option_values"] == [["Size", "M"]]


def listed(rule: dict[str, Any], *rows: dict[str, Any]) -> Any:
    settings = make_settings(tax_classes=CLASSES, assortment={"lightspeed": rule})
    (flag,) = read(*rows, settings=settings).products["listed"].tolist()
    return None if flag is pd.NA else flag


def test_the_assortment_is_by_tag_brand_category_or_sku() -> None:
    path = [{"id": "t0", "name": "Clothes"}, {"id": "t1", "name": "Tops"}]
    assert listed({}, row()) is True
    assert listed({"tags": ["Summer"]}, row()) is True and listed({"tags": ["winter"]}, row()) is False
    assert listed({"brands": ["puma", "x"]}, row()) is True
    assert listed({"tags": ["summer"], "brands": ["x"]}, row()) is False
    assert (
        listed({"categories": ["clothes"]}, row(product_category={"name": "Tops", "category_path": path}))
        is True
    )
    assert listed({"categories": ["clothes"]}, row()) is False
    assert listed({"skus": ["SKU-p1"]}, row()) is True and listed({"skus": ["z"]}, row()) is False
    assert listed({"exclude_skus": ["SKU-p1"]}, row()) is False


def test_what_a_partial_family_does_not_show_is_unknown_and_not_unlisted() -> None:
    whole = [member("p1", 1, parent=None), member("p2", 2), member("p3", 3)]
    assert listed({"skus": ["SKU-p1"]}, *whole) is True
    assert listed({"skus": ["SKU-p1"]}, member("p2", 9)) is None
    assert listed({"skus": ["nowhere"]}, *whole) is False
    assert listed({"exclude_skus": ["SKU-p1"]}, member("p2", 9)) is None
    assert listed({"exclude_skus": ["SKU-p1"]}, *whole) is False


def test_composites_and_the_discount_product_stay_at_the_till() -> None:
    assert listed({}, row(is_composite=True)) is False
    assert listed({"skus": ["SKU-p1"]}, row(is_composite=True)) is True
    assert listed({}, row("discount")) is False
    assert json.loads(read(row(is_composite=True)).products["carry"].iloc[0])["composite"] is True


# ---------------------------------------------------------------- numbers


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=5))
def test_no_digit_is_lost_between_the_wire_and_the_record(amount: Decimal) -> None:
    staged = json.loads(json.dumps(storable(parse(f'{{"n": {format(amount, "f")}}}'.encode()))))
    assert number(staged["n"]) == amount


RATES = st.decimals(min_value=0, max_value=1, places=4)


@given(
    minor=st.integers(min_value=0, max_value=10**12),
    rate=RATES,
    kept=st.sampled_from(["included", "excluded"]),
    canonical=st.sampled_from(["included", "excluded"]),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_a_price_written_and_read_is_the_same_price(
    minor: int, rate: Decimal, kept: Any, canonical: Any, currency: str
) -> None:
    rule = PriceRule(kept=kept, canonical=canonical, currency=currency)
    amount = rule.kept_amount(minor, rate)
    assert amount is not None
    read_back = rule.canonical_minor(amount, rate)
    assert read_back == (minor, True)


def test_the_official_example_of_a_derived_price() -> None:
    rule = PriceRule(kept="excluded", canonical="included", currency="NZD")
    assert rule.kept_amount(3000, Decimal("0.15")) == Decimal("26.08696")
    assert rule.kept_amount(3000, None) is None and rule.canonical_minor(Decimal(1), None) is None


CODES = st.lists(st.text("0123456789AB", min_size=1, max_size=14), max_size=5, unique=True)


@given(
    sku=st.text("0123456789AB", min_size=1, max_size=14), barcodes=CODES, multiple=st.booleans(), others=CODES
)
def test_barcodes_written_and_read_are_the_same_barcodes(
    sku: str, barcodes: list[str], multiple: bool, others: list[str]
) -> None:
    wanted = [code for code in barcodes if code != sku][: None if multiple else 1]
    present = [{"type": "CUSTOM", "code": code} for code in dict.fromkeys(["old-sku", *others])]
    sent = code_list(sku, wanted, present=present, old_sku="old-sku", multiple=multiple)
    assert sent[0]["code"] == sku
    assert len({entry["code"] for entry in sent}) == len(sent)
    if wanted or multiple:
        assert sorted(barcodes_of(sent, sku, multiple=multiple)) == sorted(wanted)
    kept = {entry["code"] for entry in sent}
    assert multiple or set(others[1:]) <= kept | {sku}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("4006381333931", "EAN"),
        ("4901234567894", "JAN"),
        ("9783161484100", "ISBN"),
        ("012345678905", "UPC"),
        ("96385074", "EAN"),
        ("10012345678902", "ITF"),
        ("4006381333932", "CUSTOM"),
        ("SHELF-7", "CUSTOM"),
        ("", "CUSTOM"),
        ("１２３４５６７８", "CUSTOM"),
    ],
)
def test_the_type_of_a_code(code: str, kind: str) -> None:
    assert type_of(code) == kind


def test_group_taxes_add_up_and_thresholds_have_no_rate() -> None:
    assert CITY.rate is not None and decimal_text(CITY.rate) == "0.085"
    threshold = Tax.model_validate(
        {"id": "x", "rates": [{"rate": 0.08, "rules": [{"type": "threshold", "value": 90}]}]}
    )
    assert threshold.rate is None


@pytest.mark.benchmark
def test_a_page_of_a_thousand_rows_takes_less_than_a_fifth_of_a_second() -> None:
    rows = [member(f"p{n}", n, parent=None if n % 3 == 1 else f"p{n - (n - 1) % 3}") for n in range(1, 1001)]
    read(*rows[:10])
    times = []
    for _ in range(5):
        started = time.process_time()
        tables = read(*rows)
        times.append(time.process_time() - started)
    assert len(tables.variants) == 1000 and min(times) < 0.2


def test_records_of_a_page_do_not_depend_on_its_order() -> None:
    rows = [member("p1", 1, parent=None), member("p2", 2), member("p3", 3), row("q", 4)]
    forwards, backwards = read(*rows), read(*reversed(rows))
    for id in ("p1", "q"):
        assert plain("product", forwards.products, record(forwards.products, "product", id=id)) == plain(
            "product", backwards.products, record(backwards.products, "product", id=id)
        )
