"""What each refusal means, and that a write of unknown outcome is looked for before it is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    SystemUnavailable,
    TargetMissing,
    UnknownOutcome,
)
from sandbox.faults import FaultRule
from tests.commercetools.world import PROJECT, Json, World, new_product, pages, product_row, settings, variant

MUG: Json = {"name.en-GB": "Mug", "tax_class": "Standard"}


def error(status: int, code: str, **more: Any) -> Json:
    return {"statusCode": status, "message": "No.", "errors": [{"code": code, "message": "No.", **more}]}


def refuse(
    world: World, status: int, code: str, *, method: str = "POST", times: int = 1, **more: Any
) -> None:
    body = error(status, code, **more)
    path = "/products" if method == "POST" else "product-projections"
    world.faults.add(
        FaultRule(match=path, method=method, kind="status", status=status, body=body, times=times)
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "ConcurrentModification", StaleTarget),
        (400, "DuplicateField", DuplicateInTarget),
        (400, "DuplicateFieldWithConflictingResource", DuplicateInTarget),
        (400, "InvalidField", RecordRejected),
        (400, "InvalidOperation", RecordRejected),
        (400, "MaxResourceLimitExceeded", RecordRejected),
        (403, "insufficient_scope", ConfigurationFault),
        (404, "ResourceNotFound", TargetMissing),
        (500, "General", UnknownOutcome),
        (502, "BadGateway", UnknownOutcome),
        (503, "PendingOperation", UnknownOutcome),
        (504, "GatewayTimeout", UnknownOutcome),
    ],
)
def test_a_refused_write_is_grouped_by_what_to_do(
    world: World, status: int, code: str, expected: type[SyncError]
) -> None:
    product = world.product()
    write = world.planned(product["id"], {"name.en-GB": "Coat"})
    refuse(world, status, code)
    with pytest.raises(expected) as refused:
        world.write(write)
    assert type(refused.value) is expected
    assert refused.value.status == status
    assert refused.value.exchange_id
    assert len(world.requests("POST", "/products/")) == 1, "a write is sent once"


def test_a_duplicate_names_the_field_and_its_holder(world: World) -> None:
    product = world.product(variant("J-1"))
    with pytest.raises(DuplicateInTarget) as refused:
        world.write(new_product(MUG, {"sku": "J-1"}))
    assert refused.value.field
    assert "J-1" in str(refused.value)
    assert product["id"]


def test_a_missing_scope_is_named(world: World) -> None:
    world.store.add_client(
        "reader", "secret", [f"view_products:{PROJECT}", f"view_project_settings:{PROJECT}"]
    )
    product = world.product()
    write = world.planned(product["id"], {"name.en-GB": "Coat"})

    async def main() -> None:
        config = settings()
        async with world.client(config, client_id="reader", client_secret="secret") as client:
            adapter = CommercetoolsProducts(client, config)
            await adapter.prepare()
            await adapter.write(write)

    with pytest.raises(ConfigurationFault, match="manage_products"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "code"), [(503, "OverCapacity"), (409, "ExactLockConflict"), (400, "LockedField")]
)
def test_a_write_refused_at_the_door_is_sent_again(world: World, status: int, code: str) -> None:
    product = world.product()
    write = world.planned(product["id"], {"name.en-GB": "Coat"})
    refuse(world, status, code)
    world.write(write)
    assert product_row(world.read())["name.en-GB"] == "Coat"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated_after_what_may_pass(world: World, status: int) -> None:
    world.product()
    refuse(world, status, "General", method="GET", times=2)
    assert len(world.read().products) == 1


def test_a_read_gives_up_in_the_end_and_says_so(world: World) -> None:
    refuse(world, 502, "BadGateway", method="GET", times=99)
    with pytest.raises(SystemUnavailable):
        world.run(pages)


def test_a_web_page_instead_of_json_is_no_answer(world: World) -> None:
    world.product()
    world.faults.add(FaultRule(match="product-projections", kind="html", status=502))
    world.faults.add(FaultRule(match="product-projections", kind="truncate_json"))
    assert len(world.read().products) == 1


def test_a_token_that_is_refused_is_renewed_once(world: World) -> None:
    world.product()

    async def use(adapter: CommercetoolsProducts) -> int:
        body = {"statusCode": 401, "message": "invalid_token", "error": "invalid_token"}
        world.faults.add(FaultRule(match="product-projections", kind="status", status=401, body=body))
        before = len(world.requests("POST", "/oauth/token"))
        assert len(await pages(adapter)) == 1
        return len(world.requests("POST", "/oauth/token")) - before

    assert world.run(use) == 1


def test_wrong_credentials_stop_at_once(world: World) -> None:
    async def main() -> None:
        async with world.client(settings(), client_secret="wrong") as client:
            await CommercetoolsProducts(client, settings()).prepare()

    with pytest.raises(ConfigurationFault):
        asyncio.run(main())


# ------------------------------------------------------------ unknown outcomes

Use = Callable[[CommercetoolsProducts], Awaitable[Any]]


def _lost(world: World, kind: Any, *, path: str = "/products") -> None:
    world.faults.add(FaultRule(match=path, method="POST", kind=kind))


@pytest.mark.parametrize("kind", ["timeout_after", "cut", "truncate_json"])
def test_a_creation_whose_answer_is_lost_is_found_by_its_key(served: World, kind: str) -> None:
    write = new_product(MUG, {"sku": "M-1", "price": 500, "active": True}, {"sku": "M-2", "price": 600})
    _lost(served, kind)
    with pytest.raises(UnknownOutcome):
        served.write(write)
    found = served.run(lambda adapter: adapter.find(write))
    assert found is not None and found.already_there
    assert found.variant_ids == {"change-0": f"{found.product_id}:1", "change-1": f"{found.product_id}:2"}
    assert found.after is not None and len(found.after.variants) == 2
    assert len(served.store.all("products")) == 1


def test_a_creation_that_never_arrived_is_not_found(served: World) -> None:
    write = new_product(MUG, {"sku": "M-1"})
    _lost(served, "timeout_before")
    with pytest.raises(UnknownOutcome):
        served.write(write)
    assert served.run(lambda adapter: adapter.find(write)) is None
    served.write(write)
    assert len(served.store.all("products")) == 1


def test_a_stranger_under_our_key_is_not_taken_for_our_product(world: World) -> None:
    world.product(variant("OTHER"), key="lightspeed-77")
    write = new_product(MUG, {"sku": "M-1"})
    assert world.run(lambda adapter: adapter.find(write)) is None
    with pytest.raises(DuplicateInTarget) as refused:
        world.write(write)
    assert refused.value.field == "key"


@pytest.mark.parametrize("kind", ["timeout_after", "cut"])
def test_an_update_whose_answer_is_lost_is_found_by_its_values(served: World, kind: str) -> None:
    product = served.product(variant("J-1"), variant("J-2"))
    write = served.planned(
        product["id"],
        {"name.en-GB": "Coat", "brand": "Acme"},
        {"J-1": {"price": 777}},
        new=[{"sku": "J-3", "price": 5}],
    )
    _lost(served, kind)
    with pytest.raises(UnknownOutcome):
        served.write(write)
    found = served.run(lambda adapter: adapter.find(write))
    assert found is not None and found.already_there
    assert found.variant_ids == {"change-J-1": f"{product['id']}:1", "new-0": f"{product['id']}:3"}
    assert found.version == served.stored(product["id"])["version"]


def test_an_update_that_never_arrived_is_not_found(served: World) -> None:
    product = served.product()
    write = served.planned(product["id"], {"name.en-GB": "Coat"}, {"J-1": {"price": 777}})
    _lost(served, "timeout_before")
    with pytest.raises(UnknownOutcome):
        served.write(write)
    assert served.run(lambda adapter: adapter.find(write)) is None


def test_an_update_that_arrived_in_part_is_not_found(world: World) -> None:
    product = world.product()
    write = world.planned(product["id"], {"name.en-GB": "Coat"}, {"J-1": {"price": 777}})
    world.edit(product, {"action": "changeName", "name": {"en-GB": "Coat"}, "staged": False})
    assert world.run(lambda adapter: adapter.find(write)) is None


def test_an_update_of_a_deleted_product_is_not_found(world: World) -> None:
    product = world.product(publish=False)
    write = world.planned(product["id"], {"name.en-GB": "Coat"})
    world.store.delete("products", id=product["id"])
    assert world.run(lambda adapter: adapter.find(write)) is None
    with pytest.raises(TargetMissing):
        world.write(write)
