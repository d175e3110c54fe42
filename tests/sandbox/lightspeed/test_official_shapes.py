"""Answers against the official description of API 2.0, whose shapes 2026-07 kept; skipped where it is absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml

if TYPE_CHECKING:
    from .conftest import Shop

DESCRIPTIONS = Path(__file__).parents[4] / "shared" / "specs" / "lightspeed-x"
DESCRIPTION = DESCRIPTIONS / "legacy-api-v2-0.yml"
DESCRIPTION_OF_3_0 = DESCRIPTIONS / "legacy-api-v3-0.yml"

pytestmark = pytest.mark.skipif(
    not (DESCRIPTION.is_file() and DESCRIPTION_OF_3_0.is_file()),
    reason="the official API description is not beside the checkout",
)


@cache
def schemas(description: Path = DESCRIPTION) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(description.read_text(), Loader=yaml.CSafeLoader)["components"][
        "schemas"
    ]
    if description == DESCRIPTION:
        # Typed as an object, described as "Pacific/Auckland": the type is taken for the mistake.
        loaded["Retailer"]["properties"]["timezone"]["type"] = "string"
    else:
        # Required and no property, and no example has it: an answer says `customer_groups`.
        loaded["PriceBook"]["required"].remove("customer_group_ids")
    return {name: _plain_schema(schema) for name, schema in loaded.items()}


def _plain_schema(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable`, local references, and no formats."""
    if isinstance(schema, list):
        return [_plain_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: _plain_schema(value)
        for key, value in schema.items()
        if key not in ("format", "x-examples", "example")
    }
    if "$ref" in plain and isinstance(plain["$ref"], str):
        return {"$ref": plain["$ref"].replace("#/components/schemas/", "#/$defs/")}
    if schema.get("nullable") is True and isinstance(schema.get("type"), str):
        plain["type"] = [schema["type"], "null"]
    return plain


def check(name: str, value: Any, *, every_field: bool = False, description: Path = DESCRIPTION) -> None:
    """The value is one of the named schema; with `every_field`, also no field of the schema is missing."""
    schema = {"$ref": f"#/$defs/{name}", "$defs": schemas(description)}
    problems = [
        f"{error.instance_path}: {error.message}"
        for error in jsonschema_rs.validator_for(schema).iter_errors(value)
    ]
    assert problems == []
    if every_field:
        assert set(schemas(description)[name]["properties"]) - set(value) == set()


@pytest.fixture
def full_family(shop: Shop) -> list[str]:
    measures = {
        "weight": 1.25,
        "weight_unit": "KG",
        "length": 1,
        "width": 2,
        "height": 3,
        "dimensions_unit": "CM",
    }
    return shop.tee(
        description="<p>A tee</p>",
        brand_id=shop.brand,
        product_category_id=shop.tops,
        tag_ids=[shop.tag],
        supplier_id=shop.supplier,
        supply_price=12.5,
        loyalty_amount=0.5,
        images=[{"type": "url", "location": "https://shop.example/a.jpg"}],
        **measures,
    )


def test_products_are_as_described_and_no_described_field_is_missing(
    shop: Shop, full_family: list[str]
) -> None:
    for product_id in full_family:
        check("Product", shop.answer_json(f"products/{product_id}")["data"], every_field=True)
    check("ProductCollection", shop.answer_json("products?deleted=true"))


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("brands", "BrandCollection"),
        ("suppliers", "SupplierCollection"),
        ("taxes", "TaxCollection"),
        ("outlets", "OutletCollection"),
        ("registers", "RegisterCollection"),
        ("payment_types", "PaymentTypeCollection"),
        ("users", "UserCollection"),
        ("outlet_taxes", "OutletTaxCollection"),
        ("retailer", "RetailerResponse"),
        ("user", "UserResponse"),
        ("inventory", "InventoryCollection"),
        ("tags", "TagCollection"),
        ("variant_attributes", "VariantAttributesListResponse"),
    ],
)
def test_lists_are_as_described(shop: Shop, path: str, schema: str) -> None:
    shop.store.add_product_family("Mug", price="9.90", all_outlets_tax={"tax_id": shop.tax})
    answer = shop.answer_json(path)
    assert answer["data"]
    check(schema, answer)


def test_a_customer_is_as_described_after_each_write_and_no_described_field_is_missing(shop: Shop) -> None:
    given = {"first_name": "Ada", "last_name": None, "date_of_birth": "1990-12-31", "gender": "F"}
    shop.post("customers", given, 201)
    customer = shop.answers[-1].json()["data"]
    check("Customer", customer, every_field=True)
    shop.put(f"customers/{customer['id']}", {"tax_id": shop.tax, "on_account_limit": 12.5})
    check("CustomerResponse", shop.answers[-1].json())
    check("Customer", shop.answer_json(f"customers/{customer['id']}")["data"], every_field=True)
    shop.store.set_loyalty_balance(customer["id"], "12.50")
    check("CustomerCollection", shop.answer_json("customers"))
    check("CustomerCollection", shop.answer_json("search?type=customers"))


def test_an_uploaded_image_is_as_described(shop: Shop, full_family: list[str]) -> None:
    path = f"products/{full_family[0]}/actions/image_upload"
    shop.call("POST", path, 201, files={"image": ("b.jpg", b"jpeg")})
    check("ImageResponse", shop.answers[-1].json())


def test_consignments_and_their_products_are_as_described(shop: Shop) -> None:
    (product_id,) = shop.store.add_product_family("Mug", price="9.90")
    order = shop.store.order_from_supplier(shop.berlin, [(product_id, 4)])
    shop.store.receive_consignment(order)
    shop.store.transfer(product_id, shop.berlin, shop.hamburg, 1)
    shop.store.count(product_id, shop.berlin, 2)
    for row in shop.answer_json("consignments")["data"]:
        check("ConsignmentResponse", {"data": row})
        check("ConsignmentProductCollection", shop.answer_json(f"consignments/{row['id']}/products"))
    check("ConsignmentTotalsResponse", shop.answer_json(f"consignments/{order}/totals"))


def test_price_books_are_as_3_0_describes_them_and_no_described_field_is_missing(shop: Shop) -> None:
    group = shop.store.add_customer_group("Staff")
    given = {"name": "Staff", "customer_group_ids": [group], "outlet_ids": [shop.hamburg]}
    book = shop.post("price_books", given | {"valid_from": "2026-12-01", "valid_to": "2026-12-24"})["data"]
    check("PriceBookCreateResponse", shop.answers[-1].json(), description=DESCRIPTION_OF_3_0)
    for row in (shop.answer_json(f"price_books/{book['id']}"), *shop.answer_json("price_books")["data"]):
        check("PriceBook", row.get("data", row), every_field=True, description=DESCRIPTION_OF_3_0)


def test_entries_of_price_books_and_answers_to_their_writes_are_as_described(shop: Shop) -> None:
    book = shop.store.add_price_book("B2B")
    (product_id,) = shop.store.add_product_family("Mug", price="9.90")
    given = {"product_id": product_id, "price": 8.5, "tax_id": shop.tax, "min_units": 10}
    for method in ("POST", "PUT", "PATCH"):
        shop.call(method, f"price_books/{book}/products", json={"data": [given]})
        check("PriceBookProductsUpdateResponse", shop.answers[-1].json())
    paths = (
        f"price_books/{book}/products",
        f"products/{product_id}/price_book_products",
        "price_book_products",
    )
    for path in paths:
        answer = shop.answer_json(path)
        assert answer["data"]
        check("PriceBookProductCollection", answer)
