"""The shop that ships with the repository: whole, right where it should be, wrong exactly where it says so."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from stdnum import ean

from sandbox.shop import SAMPLE_SHOP, Shop, default_config, load_shop
from sandbox.shop.model import Draft

Finding = tuple[str, frozenset[str]]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


def _attribute(variant: Draft, name: str) -> str | None:
    return next((each["value"] for each in variant["attributes"] if each["name"] == name), None)


def _variants(product: Draft) -> list[Draft]:
    return [product["masterVariant"], *product["variants"]]


def _has_price(variant: Draft, currency: str, country: str) -> bool:
    return any(
        price["value"]["currencyCode"] == currency and price.get("country") == country
        for price in variant["prices"]
    )


def test_it_has_the_size_that_is_promised(shop: Shop) -> None:
    assert (len(shop.products), len(shop.variants())) == (62, 200)
    assert [outlet["name"] for outlet in shop.lightspeed.outlets] == ["Berlin", "Hamburg", "München"]
    assert len(shop.orders) == 10
    assert len(shop.customers) == len(shop.lightspeed.customers) == 40
    currencies = {
        price["value"]["currencyCode"] for _, variant in shop.variants() for price in variant["prices"]
    }
    assert currencies == {"EUR", "GBP"}


def test_every_kind_of_attribute_occurs_with_a_value(shop: Shop) -> None:
    kinds = {
        (kind["name"], kind.get("elementType", {}).get("name"))
        for product_type in shop.product_types
        for kind in (attribute["type"] for attribute in product_type["attributes"])
    }
    assert {name for name, _ in kinds} == {
        "text",
        "ltext",
        "enum",
        "lenum",
        "number",
        "boolean",
        "money",
        "set",
    }
    assert {element for name, element in kinds if name == "set"} == {"enum", "ltext"}
    filled = {attribute["name"] for _, variant in shop.variants() for attribute in variant["attributes"]}
    assert filled == {
        each["name"] for product_type in shop.product_types for each in product_type["attributes"]
    }


def test_barcodes_come_in_every_length_and_some_begin_with_zeros(shop: Shop) -> None:
    codes = {_attribute(variant, "barcode") or "" for _, variant in shop.variants()}
    assert {len(code) for code in codes} == {8, 12, 13}
    assert any(code.startswith("00") for code in codes if len(code) == 13)
    assert any(code.startswith("0") for code in codes if len(code) == 12)
    assert any(code.startswith("978") for code in codes)


def test_every_barcode_but_the_listed_one_has_a_right_check_digit(shop: Shop) -> None:
    online = [(variant.get("sku", ""), _attribute(variant, "barcode")) for _, variant in shop.variants()]
    till = [
        (variant["sku"], code["code"])
        for family in shop.lightspeed.families
        for variant in family["variants"]
        for code in variant["codes"]
    ]
    assert {sku for sku, code in [*online, *till] if code and not ean.is_valid(code)} == {"TW-KAPPE-BLK"}


def test_bad_records_are_exactly_those_listed(shop: Shop) -> None:
    listed = {
        (rule, frozenset(re.findall(r"`([^`]+)`", where)))
        for rule, where in re.findall(
            r"^\| `(\w+)` \| ([^|]+) \|",
            (SAMPLE_SHOP / "bad-records.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    assert len(listed) == 13
    assert set(_findings(shop)) == listed


def _findings(shop: Shop) -> Iterator[Finding]:
    yield from _variant_findings(shop)
    yield from _product_findings(shop)
    yield from _till_findings(shop)


def _variant_findings(shop: Shop) -> Iterator[Finding]:
    skus = {variant["sku"] for _, variant in shop.variants() if "sku" in variant}
    carriers: dict[str, list[str]] = defaultdict(list)
    for product, variant in shop.variants():
        sku = variant.get("sku", "")
        code = _attribute(variant, "barcode") or ""
        carriers[code].append(sku)
        if not sku:
            yield "sku_missing", frozenset({product["masterVariant"]["sku"]})
        if not ean.is_valid(code):
            yield "barcode_invalid", frozenset({sku})
        if code in skus:
            yield "barcode_duplicate", frozenset({sku, code})
        if not _has_price(variant, "EUR", "DE"):
            yield "price_missing", frozenset({sku})
    for sharing in carriers.values():
        if len(sharing) > 1:
            yield "barcode_duplicate", frozenset(sharing)


def _product_findings(shop: Shop) -> Iterator[Finding]:
    config = default_config(shop)
    named: dict[str, list[str]] = defaultdict(list)
    for product in shop.products:
        first = frozenset({product["masterVariant"]["sku"]})
        named[product["name"][config["locale"]].casefold()].append(product["masterVariant"]["sku"])
        if product["taxCategory"]["key"] not in config["tax_classes"]:
            yield "tax_class_unmapped", first
        if any(len(name) > 255 for name in product["name"].values()):
            yield "name_too_long", first
        if any("<script" in text for text in product.get("description", {}).values()):
            yield "html_unsafe", first
        options = [option["attribute"] for option in config["options"]]
        varying = [
            name for name in options if len({str(_attribute(v, name)) for v in _variants(product)}) > 1
        ]
        if len(varying) > 3:
            yield "too_many_options", first
        for role in config["required"]:
            if any(_attribute(variant, config["attributes"][role]) is None for variant in _variants(product)):
                yield "required_attribute_missing", first
    for sharing in named.values():
        if len(sharing) > 1:
            yield "name_duplicate", frozenset(sharing)


def _till_findings(shop: Shop) -> Iterator[Finding]:
    online = {variant["sku"]: variant for _, variant in shop.variants() if "sku" in variant}
    families = Counter(
        variant["sku"] for family in shop.lightspeed.families for variant in family["variants"]
    )
    for sku, count in families.items():
        if count > 1:
            yield "ambiguous", frozenset({sku})
    for family in shop.lightspeed.families:
        for variant in family["variants"]:
            codes = {code["code"] for code in variant["codes"]}
            if (
                variant["sku"] in online
                and codes
                and _attribute(online[variant["sku"]], "barcode") not in codes
            ):
                yield "identity_conflict", frozenset({variant["sku"]})


def test_every_variant_with_its_options_is_told_apart_from_its_siblings(shop: Shop) -> None:
    names = [option["attribute"] for option in default_config(shop)["options"]]
    for product in shop.products:
        choices = [tuple(str(_attribute(variant, name)) for name in names) for variant in _variants(product)]
        assert len(set(choices)) == len(choices) or product["masterVariant"].get("sku") == "KK-LOEFFEL-ESCHE"


def test_families_at_the_till_are_partly_equal_partly_different_partly_alone(shop: Shop) -> None:
    online = {variant["sku"]: variant for _, variant in shop.variants() if "sku" in variant}
    kinds = Counter(
        "alone" if not any(variant["sku"] in online for variant in family["variants"]) else "shared"
        for family in shop.lightspeed.families
        if "only the barcode" not in family["about"]
    )
    assert kinds["alone"] >= 6
    assert kinds["shared"] >= 12
    for family in shop.lightspeed.families:
        if family["about"] == "the same as in commercetools":
            for variant in family["variants"]:
                prices = [price["value"]["centAmount"] for price in online[variant["sku"]]["prices"]]
                assert int(variant["price"].replace(".", "")) == prices[0]
                assert variant["codes"][0]["code"] == _attribute(online[variant["sku"]], "barcode")


def test_regulars_have_a_price_of_their_own_online_and_an_empty_price_book_at_the_till(shop: Shop) -> None:
    assert [group["key"] for group in shop.customer_groups] == ["stammkunden"]
    assert shop.lightspeed.customer_groups == ["Stammkunden"]
    special = [
        (variant, price)
        for _, variant in shop.variants()
        for price in variant["prices"]
        if price.get("customerGroup") == {"typeId": "customer-group", "key": "stammkunden"}
    ]
    assert len(special) == 12
    assert len([price for _, price in special if "tiers" in price]) == 3
    for variant, price in special:
        amounts = [price["value"], *(tier["value"] for tier in price.get("tiers", []))]
        cents = [amount["centAmount"] for amount in (variant["prices"][0]["value"], *amounts)]
        assert cents == sorted(cents, reverse=True)
        assert price["country"] == "DE"
    (book,) = [book for book in shop.lightspeed.price_books if book["name"] == "Stammkunden"]
    assert (book["customer_groups"], book["prices"]) == (["Stammkunden"], {})


def test_the_hamburg_outlet_asks_four_prices_that_are_not_online(shop: Shop) -> None:
    (book,) = [book for book in shop.lightspeed.price_books if book["name"] == "Outlet Hamburg"]
    online = {variant["sku"] for _, variant in shop.variants() if "sku" in variant}
    assert (book["outlets"], len(book["prices"])) == (["Hamburg"], 4)
    assert set(book["prices"]) <= online
    (channel,) = [channel for channel in shop.channels if channel["key"] == "hamburg-laden"]
    assert channel["roles"] == ["ProductDistribution"]
    channels = [
        price["channel"]["key"]
        for _, variant in shop.variants()
        for price in variant["prices"]
        if "channel" in price
    ]
    assert "hamburg-laden" not in channels


def test_orders_name_existing_skus_and_add_up(shop: Shop) -> None:
    skus = {variant.get("sku") for _, variant in shop.variants()}
    emails = {customer["email"] for customer in shop.customers}
    for order in shop.orders:
        assert {item["variant"]["sku"] for item in order["lineItems"]} <= skus
        total = sum(item["quantity"] * item["price"]["value"]["centAmount"] for item in order["lineItems"])
        assert order["totalPrice"]["centAmount"] == total == order["taxedPrice"]["totalGross"]["centAmount"]
        assert order["customerEmail"] in emails


def test_nobody_in_it_is_real(shop: Shop) -> None:
    till = shop.lightspeed
    people = (*shop.customers, *till.users, *till.outlets, *till.customers)
    emails = [each["email"].strip().lower() for each in people if "email" in each]
    # One stands where no e-mail should, with an address all the same.
    assert all(email.endswith(("@example.com", "@example.org", "(at)example.com")) for email in emails)


def test_default_config_follows_the_shop(shop: Shop) -> None:
    config = default_config(shop)
    assert (config["locale"], config["currency"], config["country"]) == ("de-DE", "EUR", "DE")
    assert config["price_tax_included"] is True
    assert config["tax_classes"] == {"standard": "MwSt 19 %", "reduced": "MwSt 7 %"}
    assert config["locations"][2] == {"name": "München", "outlet": "München", "channel": "muenchen"}
    assert config["attributes"]["barcode"] == "barcode"
    assert config["required"] == ["brand"]
    assert {"name": "Größe", "attribute": "size"} in config["options"]
