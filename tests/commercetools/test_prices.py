"""Prices online: read list by list, written with the fewest actions, and never where commercetools owns the list. Every
body is checked against the official description where that is at hand."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import pandas as pd
import pytest

from retail_sync.commercetools.prices.adapter import CommercetoolsPrices
from retail_sync.records.errors import ConfigurationFault, DuplicateInTarget, RecordRejected, StaleTarget
from retail_sync.records.ports.prices import OfferWrite, PricesWritten, ProductPricesWrite
from retail_sync.records.ports.products import Window
from retail_sync.records.prices import Quote, loaded
from retail_sync.settings.models import SyncSettings
from tests.commercetools.world import Json, World, rows_in, variant
from tests.commercetools.world import settings as shop_settings

T = TypeVar("T")
EVERYTHING = Window(None, "2999-01-01T00:00:00.000Z")
SHELF: Json = {
    "name": "Shelf",
    "owner": "lightspeed",
    "commercetools": {"currency": "EUR", "country": "DE"},
    "lightspeed": {"base": True},
}
GROUP: Json = {
    "name": "Group",
    "owner": "lightspeed",
    "commercetools": {"currency": "EUR", "country": "DE", "customer_group": "vip"},
    "lightspeed": {"price_book": "VIP"},
}


@pytest.fixture
def world() -> World:
    world = World()
    world.store.create("customer-groups", {"key": "vip", "groupName": "VIP"})
    world.store.create("customer-groups", {"key": "trade", "groupName": "Trade"})
    return world


def price_settings(*lists: Json, **more: Any) -> SyncSettings:
    plain = shop_settings(price={"owner": "none"}).model_dump(mode="json")
    return SyncSettings.model_validate({**plain, "prices": {"lists": list(lists) or [SHELF, GROUP]}, **more})


def run(
    world: World, use: Callable[[CommercetoolsPrices], Awaitable[T]], config: SyncSettings | None = None
) -> T:
    return world.using(CommercetoolsPrices, use, config or price_settings())


def eur(cents: int, country: str | None = "DE", **more: Any) -> Json:
    return {
        "value": {"currencyCode": "EUR", "centAmount": cents},
        **({"country": country} if country else {}),
        **more,
    }


def priced(*prices: Json) -> Json:
    """The one variant, with these prices."""
    return {**variant("J-1", price=None), "prices": list(prices)}


def vip(cents: int, **more: Any) -> Json:
    return eur(cents, customerGroup={"typeId": "customer-group", "key": "vip"}, **more)


def variants(world: World, config: SyncSettings | None = None) -> pd.DataFrame:
    async def read(adapter: CommercetoolsPrices) -> pd.DataFrame:
        return adapter.to_variants(await rows_in(adapter.products.walk(EVERYTHING)))

    return run(world, read, config)


def offers(world: World, config: SyncSettings | None = None) -> dict[str, list[tuple[str, bool]]]:
    (cell,) = variants(world, config)["offers"]
    return {name: [(one["amount"], one["own"]) for one in found] for name, found in loaded(cell).items()}


def write(world: World, *wanted: OfferWrite, config: SyncSettings | None = None) -> PricesWritten:
    """Write offers of the one variant there is, as it is now."""

    async def send(adapter: CommercetoolsPrices) -> PricesWritten:
        table = adapter.to_variants(await rows_in(adapter.products.walk(EVERYTHING))).iloc[0]
        product = ProductPricesWrite(
            product_id=table["product_id"],
            seen_version=int(table["version"]),
            offers=list(wanted),
            carries={table["id"]: loaded(table["carry"])},
        )
        return await adapter.write(product)

    return run(world, send, config)


def offer(world: World, name: str, quote: Quote | None, held: int | None = None, **more: Any) -> OfferWrite:
    table = variants(world, more.pop("config", None)).iloc[0]
    found = loaded(table["offers"])[name]
    known = found[held] if held is not None else {}
    action = "remove" if quote is None else "update" if held is not None else "create"
    return OfferWrite(
        change_id="c",
        list_name=name,
        variant_id=table["id"],
        sku="J-1",
        action=action,  # type: ignore[arg-type]
        quote=quote,
        offer_id=known.get("id"),
        offer_version=known.get("version"),
        **more,
    )


def sent(world: World) -> list[list[str]]:
    """Actions of each update of a product or a price since the world was made."""
    return [
        [action["action"] for action in json.loads(request.body).get("actions", ())] or ["create"]
        for request in world.faults.requests
        if request.method == "POST" and "/oauth" not in request.path and "/custom-objects" not in request.path
    ]


# ---------------------------------------------------------------- reading


def test_each_price_is_in_the_list_of_just_its_scope_and_elsewhere_otherwise(world: World) -> None:
    trade = {"customerGroup": {"typeId": "customer-group", "key": "trade"}}
    prices = [
        eur(1000),
        eur(900, None),
        vip(800),
        eur(700, **trade),
        eur(600, channel={"typeId": "channel", "key": "web"}),
        {"value": {"currencyCode": "GBP", "centAmount": 500}, "country": "GB"},
    ]
    world.product(priced(*prices))
    assert offers(world) == {"Shelf": [("10", True)], "Group": [("8", True)]}
    (elsewhere,) = variants(world)["elsewhere"]
    assert loaded(elsewhere) == ["EUR", "GBP"]


def test_a_price_for_all_countries_counts_where_commercetools_owns_the_list(world: World) -> None:
    world.product(priced(eur(900, None)))
    owned = price_settings({**SHELF, "owner": "commercetools"})
    assert offers(world, owned) == {"Shelf": [("9", False)]}
    assert offers(world, price_settings(SHELF)) == {"Shelf": []}


def test_high_precision_money_is_read_exactly(world: World) -> None:
    precise = {"type": "highPrecision", "currencyCode": "EUR", "preciseAmount": 1007563, "fractionDigits": 5}
    world.product(priced({"value": precise, "country": "DE"}))
    assert offers(world)["Shelf"] == [("10.07563", True)]


def test_a_standalone_price_that_moved_brings_its_product_and_a_full_walk_of_them_nothing(
    world: World,
) -> None:
    world.product(variant("J-1", price=None), priceMode="Standalone")
    world.store.create("standalone-prices", {"sku": "J-1", **eur(1000)})
    world.store.create("standalone-prices", {"sku": "J-1", **eur(1, "GB"), "active": False})

    async def read(adapter: CommercetoolsPrices, lower: str | None) -> list[Json]:
        return await rows_in(adapter.standalone.walk(Window(lower, EVERYTHING.upper)))

    moved = run(world, lambda adapter: read(adapter, "2020-01-01T00:00:00.000Z"))
    assert [price["value"]["centAmount"] for row in moved for price in row["masterVariant"]["prices"]] == [
        1000
    ]
    assert run(world, lambda adapter: read(adapter, None)) == []


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"customer_group": "nobody"}, "there is no customer group nobody"),
        ({"channel": "nowhere"}, "there is no channel nowhere"),
        ({"channel": "warehouse"}, "channel warehouse has no role ProductDistribution"),
        ({"store": "nowhere"}, "there is no store nowhere"),
        ({"currency": "SEK"}, "SEK is no currency of the project"),
        ({"country": "FR"}, "FR is no country of the project"),
    ],
)
def test_a_list_that_names_what_is_not_there_is_refused(world: World, place: Json, says: str) -> None:
    config = price_settings({**SHELF, "commercetools": {"currency": "EUR", "country": "DE", **place}})
    with pytest.raises(ConfigurationFault, match=says):
        variants(world, config)


def test_a_store_stands_for_its_one_distribution_channel(world: World) -> None:
    world.store.create(
        "stores",
        {"key": "de", "name": {"en-GB": "DE"}, "distributionChannels": [{"typeId": "channel", "key": "web"}]},
    )
    world.product(priced(eur(600, channel={"typeId": "channel", "key": "web"})))
    config = price_settings({**SHELF, "commercetools": {"currency": "EUR", "country": "DE", "store": "de"}})
    assert offers(world, config) == {"Shelf": [("6", True)]}


# ---------------------------------------------------------------- writing


def test_a_changed_price_keeps_all_that_was_not_changed(world: World) -> None:
    tiers = [{"minimumQuantity": 10, "value": {"currencyCode": "EUR", "centAmount": 700}}]
    world.product(priced(eur(1000, key="shelf", tiers=tiers), vip(800)))
    write(world, offer(world, "Shelf", Quote(Decimal("12.50")), held=0))
    shelf, group = current(world)
    assert (shelf["value"]["centAmount"], shelf["key"]) == (1250, "shelf")
    assert shelf["tiers"][0]["value"]["centAmount"] == 700, (
        "steps of the till's own price are commercetools' own"
    )
    assert group["value"]["centAmount"] == 800
    assert sent(world) == [["changePrice"]]


def test_several_first_prices_of_a_variant_are_one_action_and_one_alone_is_added(world: World) -> None:
    world.product(priced())
    write(
        world,
        offer(world, "Shelf", Quote(Decimal("10"))),
        offer(world, "Group", Quote(Decimal("8"), ((10, Decimal("7")),))),
    )
    assert sent(world) == [["setPrices"]]
    assert offers(world) == {"Shelf": [("10", True)], "Group": [("8", True)]}
    write(world, offer(world, "Group", None, held=0))
    write(world, offer(world, "Group", Quote(Decimal("9"))))
    assert sent(world)[1:] == [["removePrice"], ["addPrice"]]


def test_a_standalone_price_is_changed_by_what_differs_only_and_wakes_up_again(world: World) -> None:
    world.product(variant("J-1", price=None), priceMode="Standalone")
    write(world, offer(world, "Group", Quote(Decimal("8"))))
    write(world, offer(world, "Group", Quote(Decimal("8"), ((5, Decimal("7")),)), held=0))
    write(world, offer(world, "Group", Quote(Decimal("9"), ((5, Decimal("7")),)), held=0))
    write(world, offer(world, "Group", None, held=0))
    assert offers(world)["Group"] == []
    write(world, offer(world, "Group", Quote(Decimal("6"))))
    assert offers(world)["Group"] == [("6", True)]
    assert len(world.store.all("standalone-prices")) == 1
    assert sent(world) == [
        ["create"],
        ["setPriceTiers"],
        ["changeValue"],
        ["changeActive"],
        ["create"],
        ["changeValue", "setPriceTiers", "changeActive"],
    ]


def test_a_standalone_price_that_somebody_else_made_meanwhile_is_a_duplicate(world: World) -> None:
    world.product(variant("J-1", price=None), priceMode="Standalone")
    wanted = offer(world, "Shelf", Quote(Decimal("8")))
    world.store.create("standalone-prices", {"sku": "J-1", **eur(1000)})
    with pytest.raises(DuplicateInTarget):
        write(world, wanted)


def test_a_product_that_moved_on_is_stale(world: World) -> None:
    world.product(priced(eur(1000)))
    wanted = offer(world, "Shelf", Quote(Decimal("12")), held=0)
    row = variants(world).iloc[0]
    carries = {row["id"]: loaded(row["carry"])}
    earlier = ProductPricesWrite(row["product_id"], int(row["version"]) - 1, [wanted], carries)
    with pytest.raises(StaleTarget):
        run(world, lambda adapter: adapter.write(earlier))


def test_prices_of_a_list_that_commercetools_owns_are_refused_whoever_planned_them(world: World) -> None:
    world.product(priced(eur(1000)))
    owned = price_settings({**SHELF, "owner": "commercetools"})
    with pytest.raises(RecordRejected, match="are not written to commercetools"):
        write(world, offer(world, "Shelf", Quote(Decimal("12")), held=0, config=owned), config=owned)
    assert sent(world) == []


def test_an_amount_with_more_digits_than_the_list_writes_is_refused(world: World) -> None:
    world.product(priced(eur(1000)))
    with pytest.raises(RecordRejected, match="has more digits than the list"):
        write(world, offer(world, "Shelf", Quote(Decimal("10.001")), held=0))


def test_private_fields_of_a_price_are_not_read_and_not_lost(world: World) -> None:
    margin = world.store.create(
        "types",
        {
            "key": "margin",
            "name": {"en-GB": "Margin"},
            "resourceTypeIds": ["product-price"],
            "fieldDefinitions": [
                {"name": "secret", "label": {"en-GB": "s"}, "required": False, "type": {"name": "String"}}
            ],
        },
    )
    custom = {"type": {"typeId": "type", "id": margin["id"]}, "fields": {"secret": "PLANTED"}}
    world.product(priced(eur(1000, custom=custom)))
    config = price_settings(SHELF, privacy={"exclude": {"commercetools": ["prices.custom.fields.secret"]}})
    assert "PLANTED" not in variants(world, config).to_csv()
    write(world, offer(world, "Shelf", Quote(Decimal("12")), held=0, config=config), config=config)
    (price,) = current(world)
    assert price["value"]["centAmount"] == 1200 and price["custom"]["fields"] == {"secret": "PLANTED"}


def current(world: World) -> list[Json]:
    """The prices that customers see."""
    (product,) = world.store.all("products")
    return list(product["masterData"]["current"]["masterVariant"]["prices"])
