"""Every draft a shop folder yields is one the official API description accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sandbox.shop import SAMPLE_SHOP, Shop, load_shop

SHARED = Path(__file__).parents[4] / "shared"
SCHEMA = SHARED / "specs" / "commercetools" / "requests.schema.json"
SHOPS = [SAMPLE_SHOP, SHARED / "data" / "goodstore"]

pytestmark = pytest.mark.skipif(
    not SCHEMA.exists(), reason="the official API description is not beside the checkout"
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    # Custom fields hold booleans and numbers as well; the description was made with text as their only kind.
    loaded["components"]["schemas"]["FieldContainer"] = {"type": "object"}
    return loaded


@pytest.fixture(scope="module", params=SHOPS, ids=lambda path: path.name)
def shop(request: pytest.FixtureRequest) -> Shop:
    if not request.param.is_dir():
        pytest.skip("the published sample shop is not beside the checkout")
    return load_shop(request.param)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ProductTypeDraft", "product_types"),
        ("TaxCategoryDraft", "tax_categories"),
        ("CategoryDraft", "categories"),
        ("ChannelDraft", "channels"),
        ("StoreDraft", "stores"),
        ("TypeDraft", "types"),
        ("ProductDraft", "products"),
        ("InventoryEntryDraft", "inventory"),
        ("CustomerDraft", "customers"),
        ("OrderImportDraft", "orders"),
    ],
)
def test_drafts_are_valid(schema: dict[str, Any], shop: Shop, name: str, field: str) -> None:
    validator = jsonschema_rs.validator_for({**schema, "$ref": f"#/components/schemas/{name}"})
    drafts = getattr(shop, field)
    problems = [
        f"{each.instance_path}: {each.message}" for draft in drafts for each in validator.iter_errors(draft)
    ]
    assert problems == []
