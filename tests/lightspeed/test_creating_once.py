"""A product is created once in effect, whatever happens to requests and answers."""

from __future__ import annotations

from typing import Any

import pytest

from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, UnknownOutcome
from tests.lightspeed.till import Till, creation, make_settings, read_all, update

MUG = {"name.en": "Mug", "tracked": True}
TEE = {"name.en": "Tee", "options": ["Size"], "tracked": True}
SIZES = [{"sku": f"T-{s}", "option_values": [["Size", s]], "price": 100, "active": s != "L"} for s in "SML"]


@pytest.mark.parametrize("kind", ["timeout_after", "cut"])
def test_a_creation_whose_answer_was_lost_is_found_and_not_repeated(till: Till, kind: str) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add({"match": "/products$", "method": "POST", "kind": kind})
        write = creation(TEE, *SIZES)
        with pytest.raises(UnknownOutcome):
            await adapter.write(write)
        return write, await adapter.find(write)

    write, found = till.run(make_settings(), work)
    assert len(till.store.products.rows) == 3
    assert found is not None and found.already_there
    assert set(found.variant_ids) == {v.change_id for v in write.variants}
    assert len(found.after.variants) == 3


def test_a_creation_that_never_arrived_is_not_found(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add({"match": "/products$", "method": "POST", "kind": "timeout_before"})
        write = creation(MUG, {"sku": "M", "price": 1})
        with pytest.raises(UnknownOutcome):
            await adapter.write(write)
        return await adapter.find(write)

    assert till.run(make_settings(), work) is None


def test_sending_the_same_creation_again_finishes_the_first_one(till: Till) -> None:
    """The process died between the creation and the request that turns on stock counting."""

    async def work(adapter: XSeriesProducts) -> Any:
        write = creation(TEE, *SIZES)
        till.faults.add({"match": "/products$", "method": "POST", "kind": "timeout_after"})
        with pytest.raises(UnknownOutcome):
            await adapter.write(write)
        return await adapter.write(write), await read_all(adapter)

    written, records = till.run(make_settings(), work)
    assert written.already_there and len(till.store.products.rows) == 3
    assert records.products["tracked"].tolist() == [True]
    assert dict(zip(records.variants["sku"], records.variants["active"], strict=True)) == {
        "T-S": True,
        "T-M": True,
        "T-L": False,
    }


def test_a_product_with_our_sku_that_we_did_not_create_is_not_ours(till: Till) -> None:
    theirs = till.store.add_product_family("Old mug", sku="M", source_id="ct:another-key")

    async def work(adapter: XSeriesProducts) -> Any:
        write = creation(MUG, {"sku": "M", "price": 1})
        with pytest.raises(DuplicateInTarget):
            await adapter.write(write)
        return await adapter.find(write)

    assert till.run(make_settings(), work) is None
    assert list(till.store.products.rows) == theirs


def test_a_product_of_ours_without_all_its_variants_is_only_a_part(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        await adapter.write(creation(TEE, *SIZES[:2], key="k"))
        return await adapter.find(creation(TEE, *SIZES, key="k"))

    assert till.run(make_settings(), work) is None


def test_an_update_is_found_only_when_all_of_it_shows(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, *SIZES))
        before = await read_all(adapter)
        write = update(
            before,
            made.product_id,
            {"brand": "Puma"},
            {"T-S": {"price": 250}},
            new=[{"sku": "T-X", "option_values": [["Size", "X"]]}],
        )
        answers = [await adapter.find(write)]
        till.store.edit_product(made.product_id, price="2.5", brand_id=till.store.add_brand("Puma"))
        answers.append(await adapter.find(write))
        await adapter.write(
            update(before, made.product_id, new=[{"sku": "T-X", "option_values": [["Size", "X"]]}])
        )
        return [*answers, await adapter.find(write)]

    nothing, part, all_of_it = till.run(make_settings(), work)
    assert nothing is None and part is None
    assert all_of_it is not None and len(all_of_it.variant_ids) == 2


def test_a_put_answered_with_nothing_is_a_success(till: Till) -> None:
    till.store.options.empty_put_answer = "always"

    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, *SIZES))
        return await adapter.write(
            update(await read_all(adapter), made.product_id, None, {"T-S": {"price": 250}})
        )

    assert till.run(make_settings(), work).dropped == ()
    assert till.sent("PUT")


def test_a_put_that_timed_out_is_repeated_because_it_does_no_harm(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, *SIZES))
        before = await read_all(adapter)
        till.faults.add({"match": "/products/", "method": "PUT", "kind": "timeout_after"})
        await adapter.write(update(before, made.product_id, None, {"T-S": {"price": 250}}))
        return await read_all(adapter)

    records = till.run(make_settings(), work)
    assert records.variants.set_index("sku")["price"]["T-S"] == 250


def test_an_added_variant_is_found_where_the_answer_does_not_name_it(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, *SIZES))
        write = update(
            await read_all(adapter), made.product_id, new=[{"sku": "T-X", "option_values": [["Size", "X"]]}]
        )
        till.faults.add({"match": "/2.1/products$", "kind": "drop_fields", "fields": ["data"]})
        return await adapter.write(write)

    written = till.run(make_settings(), work)
    (new_id,) = written.variant_ids.values()
    assert till.store.product(new_id)["sku"] == "T-X"


def test_where_a_store_takes_no_more_variants_only_the_one_that_is_added_is_refused(till: Till) -> None:
    """A store that lacks the one address is not set up wrongly: whoever adds no variant is not concerned."""
    there_is_none = {"kind": "status", "status": 404, "body": {"detail": "Not Found"}, "times": None}

    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, *SIZES))
        before = await read_all(adapter)
        till.faults.add({"match": "/2.1/products$", "method": "POST", **there_is_none})
        with pytest.raises(RecordRejected, match="POST /api/2.1/products") as refused:
            await adapter.write(
                update(before, made.product_id, new=[{"sku": "T-X", "option_values": [["Size", "X"]]}])
            )
        await adapter.write(update(before, made.product_id, None, {"T-S": {"price": 250}}))
        return refused.value.code, await read_all(adapter)

    code, records = till.run(make_settings(), work)
    assert code == "route_missing"
    assert records.variants.set_index("sku")["price"]["T-S"] == 250
