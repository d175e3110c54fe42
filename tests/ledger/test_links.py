"""A link is made once, never overwritten, and its base is replaced only by a new agreement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.links import LinkConflict
from retail_sync.ledger.rows import Agreement, Link, new_id
from tests.support.links import pair


def link(ours: str, theirs: str, **more: Any) -> Link:
    values: dict[str, Any] = {"entity": "products", "kind": "variant", "matched_by": "sku", "run_id": "run-1"}
    return Link(commercetools_id=ours, lightspeed_id=theirs, **(values | more))


def variants(ledger: Ledger, **narrow: Any) -> list[Link]:
    return ledger.links.read("products", "variant", **narrow)


def test_product_and_variant_links_go_in_together_in_any_order(ledger: Ledger) -> None:
    product = link("P", "F", kind="product")
    ledger.links.add([link("v1", "l1", parent_id=product.id, base={"sku": "A"}), product])
    assert variants(ledger)[0].parent_id == product.id
    assert variants(ledger)[0].base == {"sku": "A"}
    assert variants(ledger)[0].agreed_at is not None
    assert ledger.links.read("products", "product")[0].agreed_at is None


def test_links_are_found_from_either_side(ledger: Ledger) -> None:
    ledger.links.add([link("v1", "l1"), link("v2", "l2"), link("v3", "l3")])
    assert [x.lightspeed_id for x in variants(ledger, commercetools_ids=["v2"])] == ["l2"]
    assert [x.commercetools_id for x in variants(ledger, lightspeed_ids={"l3"})] == ["v3"]
    assert {
        x.commercetools_id for x in variants(ledger, commercetools_ids=["v1"], lightspeed_ids=["l2"])
    } == {"v1", "v2"}
    one = variants(ledger)[0]
    assert variants(ledger, ids=[one.id, new_id()]) == [one]
    assert variants(ledger, ids=[]) == []


def test_a_retried_task_adds_nothing_and_learns_the_ids_in_force(ledger: Ledger) -> None:
    product, first = link("P", "F", kind="product"), link("v1", "l1", base={"sku": "A"})
    ledger.links.add([product, first])
    again_product = link("P", "F", kind="product")
    again, new = link("v1", "l1", base={"sku": "stale"}), link("v2", "l2", parent_id=again_product.id)
    ids = ledger.links.add([again_product, again, new])
    assert ids == {again_product.id: product.id, again.id: first.id, new.id: new.id}
    by_id = {x.commercetools_id: x for x in variants(ledger)}
    assert by_id["v1"].base == {"sku": "A"}
    assert by_id["v2"].parent_id == product.id


@pytest.mark.parametrize(("ours", "theirs"), [("v1", "other"), ("other", "l1")])
def test_an_id_that_is_linked_is_never_linked_to_another(ledger: Ledger, ours: str, theirs: str) -> None:
    ledger.links.add([link("v1", "l1")])
    with pytest.raises(LinkConflict, match="v1 is linked with l1") as caught:
        ledger.links.add([link("innocent", "bystander"), link(ours, theirs)])
    assert caught.value.details[0]["wanted"] == [ours, theirs]  # type: ignore[index]
    assert [x.commercetools_id for x in variants(ledger)] == ["v1"], "all or none"


def test_two_workers_that_link_one_id_differently_leave_one_link(ledger: Ledger) -> None:
    def add(theirs: str) -> bool:
        try:
            ledger.links.add([link("v1", theirs)])
        except LinkConflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, [f"l{n}" for n in range(6)])) == 1
    assert len(variants(ledger)) == 1


def test_an_agreement_replaces_the_base_of_its_link_alone(ledger: Ledger) -> None:
    one, two = link("v1", "l1", base={"sku": "A"}), link("v2", "l2", base={"sku": "B"})
    ledger.links.add([one, two])
    resent = {"name": {"digest": "d", "times": 1}}
    assert ledger.links.agree([Agreement(one.id, {"name": "Mug"}, resent), (new_id(), {}, {})]) == 1
    by_id = {x.id: x for x in variants(ledger)}
    assert (by_id[one.id].base, by_id[one.id].resent) == ({"name": "Mug"}, resent)
    assert by_id[two.id].base == {"sku": "B"}
    assert ledger.links.agree([]) == 0


def test_agreements_of_two_workers_in_opposite_order_do_not_deadlock(ledger: Ledger) -> None:
    links = [link(f"v{n}", f"l{n}") for n in range(300)]
    ledger.links.add(links)

    def agree(backwards: bool) -> int:
        order = links[::-1] if backwards else links
        return ledger.links.agree([(x.id, {"by": str(backwards)}, {}) for x in order])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(agree, [True, False] * 4)) == [300] * 8


def test_a_retired_link_frees_both_ids_and_takes_its_variants_along(ledger: Ledger) -> None:
    product = link("P", "F", kind="product")
    ledger.links.add([product, link("v1", "l1", parent_id=product.id)])
    ledger.links.retire(product.id)
    ledger.links.retire(product.id)
    assert variants(ledger) == []
    assert [x.commercetools_id for x in variants(ledger, retired=True)] == ["v1"]
    ledger.links.add([link("v1", "another")])
    assert variants(ledger)[0].lightspeed_id == "another"


def test_partners_and_counts_are_of_links_in_force(ledger: Ledger, run_id: str) -> None:
    def made(ours: str, theirs: str) -> Link:
        return pair(ours, theirs, run_id=run_id)

    ended = made("c", "z")
    ledger.links.add([made("a", "x"), made("b", "y"), ended])
    ledger.links.retire(ended.id)
    assert ledger.links.count("products", "variant") == 2
    found = ledger.links.partners("products", "variant", {"commercetools": ["a", "c"], "lightspeed": ["y"]})
    assert found == {"commercetools": {"b"}, "lightspeed": {"x"}}
