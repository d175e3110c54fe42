"""Private fields stop at the reader, and are not destroyed by a writer that never saw them."""

from __future__ import annotations

import json

from retail_sync.commercetools.api.privacy import PrivateFields
from tests.commercetools.world import Json, World, pages, settings, variant


def test_private_fields_reach_no_page_table_or_exchange(world: World) -> None:
    world.product(variant("J-1", secret="made by Initech", material="wool"))
    config = settings(privacy=["attributes.secret", "key", "masterVariant.images"])
    rows = [row for page in world.run(pages, config) for row in page.rows]
    assert "Initech" not in json.dumps(rows)
    assert "key" not in rows[0] and "images" not in rows[0]["masterVariant"]
    assert "wool" in json.dumps(rows)
    assert not any("Initech" in (e.response_body or "") for e in world.sink.exchanges)


def test_a_private_attribute_is_private_in_every_variant() -> None:
    def row() -> Json:
        attributes = [{"name": "margin", "value": 3}, {"name": "size", "value": "m"}]
        variants = [{"id": n, "attributes": [dict(a) for a in attributes]} for n in (1, 2)]
        return {"id": "x", "attributes": attributes, "masterVariant": variants[0], "variants": [variants[1]]}

    for path in ("attributes.margin", "masterVariant.attributes.margin", "variants.attributes.margin"):
        rows = [row()]
        PrivateFields([path]).remove(rows)
        assert "margin" not in json.dumps(rows) and json.dumps(rows).count("size") == 3


def test_parts_of_a_value_can_be_private() -> None:
    rows: list[Json] = [
        {
            "masterVariant": {
                "attributes": [{"name": "cost", "value": {"currencyCode": "EUR", "centAmount": 5}}]
            }
        }
    ]
    PrivateFields(["attributes.cost.centAmount", "nowhere.at.all", ""]).remove(rows)
    assert rows == [{"masterVariant": {"attributes": [{"name": "cost", "value": {"currencyCode": "EUR"}}]}}]


def test_a_price_with_private_fields_is_read_again_before_it_is_replaced(world: World) -> None:
    value = {"currencyCode": "EUR", "centAmount": 1999}
    product = world.product(
        {"sku": "J-1", "prices": [{"key": "private-key", "value": value, "country": "DE"}]}
    )
    config = settings(privacy=["prices.key"])
    written = world.change(product["id"], variants={"J-1": {"price": 2499}}, config=config)
    (price,) = world.stored(product["id"])["masterData"]["current"]["masterVariant"]["prices"]
    assert (price["key"], price["value"]["centAmount"]) == ("private-key", 2499)
    assert written.after is not None
    assert "private-key" not in written.after.variants["carry"].iloc[0]
