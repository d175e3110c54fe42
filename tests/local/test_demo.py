"""The parts of the demo that need no Airflow: the configuration it writes, its edits, and how it tells the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.demo import Outcome, account_lines
from include.local.sandbox import Sandbox, SandboxError, settings_of_shop
from include.local.shop_edits import ShopEdits
from include.sandbox.shop import SAMPLE_SHOP, default_config, load_shop
from include.settings.models import SyncSettings

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(project=PROJECT, log=tmp_path_factory.mktemp("sandbox") / "log") as running:
        yield running


def test_the_sample_shop_gets_a_valid_configuration() -> None:
    found = default_config(load_shop(SAMPLE_SHOP))
    settings = SyncSettings.model_validate(settings_of_shop(found))
    assert settings.products.price.currency == found["currency"]
    assert {tax.lightspeed for tax in settings.products.tax_classes} == set(found["tax_classes"].values())
    assert settings.products.fields["barcodes"].commercetools == "attribute:barcode"


def test_the_edits_reach_four_different_products_of_both_shops(sandbox: Sandbox) -> None:
    edits = ShopEdits(sandbox.places, locale="de-DE")
    try:
        sentences = edits.on_both_sides()
    finally:
        edits.close()
    assert [sentence.partition(":")[0] for sentence in sentences] == [
        "commercetools",
        "commercetools",
        "Lightspeed",
        "Lightspeed",
    ]


def test_a_folder_that_is_no_shop_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"project\.json"):
        Sandbox(project=PROJECT, log=tmp_path / "log", shop=tmp_path).start()


def test_the_account_names_counts_and_reasons() -> None:
    audit = {
        "accounts": {"read": 5, "held": 2, "held_because": {"price missing": 2}},
        "accounts_add_up": True,
    }
    assert list(account_lines(audit)) == [
        "read 5, held 2",
        "held because: price missing 2",
        "accounts add up",
    ]


@pytest.mark.parametrize(
    ("state", "audit", "sound"),
    [
        ("success", {"accounts_add_up": True}, True),
        ("success", None, True),
        ("success", {"accounts_add_up": False}, False),
        ("failed", {"accounts_add_up": True}, False),
    ],
)
def test_only_a_run_whose_accounts_add_up_is_sound(
    state: str, audit: dict[str, bool] | None, sound: bool
) -> None:
    assert Outcome("run", state, audit).sound is sound
