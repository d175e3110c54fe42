"""The parts of the demo that need no Airflow: the configuration it writes, its edits, and when it is content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from demo.demo import Outcome
from demo.price_edits import PriceEdits
from demo.sandbox import Sandbox, SandboxError, settings_of_shop
from demo.shop_edits import ShopEdits
from demo.shops import Shops
from demo.stock_edits import StockEdits
from retail_sync.settings.models import SyncSettings
from sandbox.shop import SAMPLE_SHOP, default_config, load_shop

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(project=PROJECT, log=tmp_path_factory.mktemp("sandbox") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def shops(sandbox: Sandbox) -> Iterator[Shops]:
    with closing(Shops(sandbox.places)) as signed_in:
        yield signed_in


def test_the_sample_shop_gets_a_valid_configuration() -> None:
    found = default_config(load_shop(SAMPLE_SHOP))
    settings = SyncSettings.model_validate(settings_of_shop(found))
    assert settings.products.price.currency == found["currency"]
    assert {tax.lightspeed for tax in settings.products.tax_classes} == set(found["tax_classes"].values())
    assert settings.products.fields["barcodes"].commercetools == "attribute:barcode"


def test_no_schedule_runs_beside_the_demo() -> None:
    settings = SyncSettings.model_validate(settings_of_shop(default_config(load_shop(SAMPLE_SHOP))))
    assert set(settings.schedules.model_dump().values()) == {None}


def test_stock_without_a_channel_shows_the_outlets_that_have_none() -> None:
    found = default_config(load_shop(SAMPLE_SHOP))
    assert settings_of_shop(found)["inventory"] == {"channels": []}, "each outlet names its channel"
    shop = load_shop(SAMPLE_SHOP)
    for outlet in shop.lightspeed.outlets[1:]:
        del outlet["channel"]
    settings = SyncSettings.model_validate(settings_of_shop(default_config(shop)))
    [without] = settings.inventory.channels
    assert (without.key, without.locations) == (None, ("Hamburg", "München"))
    assert [location.channel for location in settings.locations] == ["berlin", None, None]


def test_the_edits_reach_three_different_products_of_both_shops(shops: Shops) -> None:
    sentences = ShopEdits(shops, locale="de-DE").on_both_sides()
    assert [sentence.partition(":")[0] for sentence in sentences] == [
        "commercetools",
        "Lightspeed",
        "Lightspeed",
    ]


def test_prices_that_came_over_are_edited_and_one_of_a_book_that_the_till_owns(shops: Shops) -> None:
    found = default_config(load_shop(SAMPLE_SHOP))
    edits = PriceEdits(shops, found["price_lists"])
    (book,) = edits.on_both_sides()
    assert "in the price book Outlet Hamburg" in book
    assert edits.waiting is None, "no product came over from the other side yet"


def test_a_sale_and_a_count_move_two_articles_in_two_outlets(shops: Shops) -> None:
    edits = StockEdits(shops, {"Berlin": "berlin", "Hamburg": "hamburg", "München": "muenchen"})
    before = levels(shops)
    sold, counted = edits.at_the_till()
    moved = {place: level - before[place] for place, level in levels(shops).items() if level != before[place]}
    assert sorted(moved.values()) == [-2, 1]
    assert len({product for product, _ in moved}) == len({outlet for _, outlet in moved}) == 2
    assert "were sold in Berlin" in sold and "a count in München found" in counted
    assert edits.opening_count() == [], "the till has stock"


def test_the_till_can_be_given_a_larger_request_budget(sandbox: Sandbox) -> None:
    sandbox.widen_request_budget(9_999)
    till = sandbox.places.lightspeed
    answer = httpx.get(
        f"{till['url']}/api/2026-07/outlets",
        headers={"Authorization": f"Bearer {till['token']}"},
        trust_env=False,
    )
    assert answer.headers["X-RateLimit-Limit"] == "9999"


def levels(shops: Shops) -> dict[tuple[str, str], int]:
    rows = shops.till.post("/inventory_levels", json={"size": 10_000}).json()
    return {(row["product_id"], row["location_id"]): row["current_inventory_level"] for row in rows}


def test_a_folder_that_is_no_shop_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"project\.json"):
        Sandbox(project=PROJECT, log=tmp_path / "log", shop=tmp_path).start()


CLEAN = {"accounts_add_up": True, "accounts": {"changes": 0}}
BUSY = {"accounts_add_up": True, "accounts": {"changes": 3}}
WRONG = {"accounts_add_up": False, "accounts": {"changes": 0}}


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (Outcome("run", "success", BUSY), None),
        (Outcome("run", "success", None), None),
        (Outcome("run", "success", CLEAN, writes_expected=False), None),
        (Outcome("run", "success", BUSY, writes_expected=False), "3 changes"),
        (Outcome("run", "success", WRONG), "do not add up"),
        (Outcome("run", "failed", None), "failed"),
    ],
)
def test_only_sound_runs_pass(outcome: Outcome, complaint: str | None) -> None:
    complaints = list(outcome.complaints())
    assert len(complaints) == (complaint is not None)
    assert complaint is None or complaint in complaints[0]
