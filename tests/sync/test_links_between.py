"""A unit that is planned again sees the links of its own records, as the whole plan did."""

from __future__ import annotations

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import Link, new_id
from retail_sync.records.products import ProductTables, table
from retail_sync.sync.products.mirror import ENTITY
from retail_sync.sync.products.scope import links_between, load_all
from tests.support.links import pair


def linked(number: int) -> list[Link]:
    """A product with two variants on both sides."""
    product = pair(f"c{number}", f"l{number}", ENTITY, "product", id=new_id(), run_id="run")
    variants = [
        pair(
            f"c{number}-{n}",
            f"l{number}-{n}",
            ENTITY,
            parent_id=product.id,
            run_id="run",
            base={"sku": f"S{number}-{n}"},
        )
        for n in range(2)
    ]
    return [product, *variants]


def side(prefix: str, *numbers: int) -> ProductTables:
    return ProductTables(
        table("product", [{"id": f"{prefix}{n}"} for n in numbers]),
        table(
            "variant",
            [{"id": f"{prefix}{n}-{v}", "product_id": f"{prefix}{n}"} for n in numbers for v in (0, 1)],
        ),
    )


def test_links_of_a_few_records_are_those_of_the_whole_plan(ledger: Ledger) -> None:
    ledger.links.add([link for number in range(4) for link in linked(number)])
    whole = load_all(ledger).links
    # One record is known from one side only, as where the other side was never read.
    few = links_between(ledger, {"commercetools": side("c", 1), "lightspeed": side("l", 1, 2)})
    for kind in ("product", "variant"):
        wanted = [link for link in whole[kind] if link.lightspeed_id[:2] in ("l1", "l2")]
        assert sorted(few[kind], key=repr) == sorted(wanted, key=repr)
    assert {link.parent for link in few["variant"]} == {("c1", "l1"), ("c2", "l2")}


def test_no_records_have_no_links(ledger: Ledger) -> None:
    ledger.links.add(linked(1))
    assert links_between(ledger, {"commercetools": side("c"), "lightspeed": side("l")}) == {
        "product": [],
        "variant": [],
    }
