"""A unit that is planned again sees the links of its own records, as the whole plan did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import Link, new_id
from retail_sync.records.products import ProductTables, table
from retail_sync.sync.products.mirror import ENTITY
from retail_sync.sync.products.scope import links_between, load_all


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


def linked(number: int) -> list[Link]:
    """A product with two variants on both sides."""
    product = Link(
        id=new_id(), entity=ENTITY, kind="product", commercetools_id=f"c{number}", lightspeed_id=f"l{number}",
        matched_by="sku", run_id="run",
    )  # fmt: skip
    variants = [
        Link(
            entity=ENTITY, kind="variant", commercetools_id=f"c{number}-{n}", lightspeed_id=f"l{number}-{n}",
            parent_id=product.id, matched_by="sku", run_id="run", base={"sku": f"S{number}-{n}"},
        )
        for n in range(2)
    ]  # fmt: skip
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
