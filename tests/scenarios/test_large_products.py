"""Products larger than anybody makes them: many languages, many megabytes, more actions than one request takes."""

from __future__ import annotations

from tests.scenarios.test_products import _pair
from tests.support.worlds import World

LANGUAGES = [f"q{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + ["ra", "rb"]
"""Made up, beside the two that are known."""
FIVE_MEGABYTES = 5 * 1024 * 1024


def test_an_edit_at_the_till_leaves_the_names_in_thirty_languages_as_they_are(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    languages = sample.online.set_project()["languages"]
    sample.online.set_project(languages=[*languages, *LANGUAGES])
    names = {
        **product["masterData"]["current"]["name"],
        **{language: f"A name in {language}" for language in LANGUAGES},
    }
    action = {"action": "changeName", "name": names, "staged": False}
    sample.online.update("products", [action], id=product["id"])
    sample.run("products", "delta")
    row = sample.till_product(sku)
    sample.till.edit_product(row["id"], supply_price="3.33", name="Renamed at the till")
    sample.run("products", "delta")
    assert sample.online_variant(sku)[0]["masterData"]["current"]["name"] == names
    assert sample.till_product(sku)["name"] == names["de-DE"], "its owner is online"
    assert sample.run("products", "full").accounts.changes == 0


def test_a_product_of_five_megabytes_comes_over_and_keeps_no_other_one_waiting(sample: World) -> None:
    sample.run("products", "full")
    sku, product = _pair(sample)
    words = ("Waldweg " * (FIVE_MEGABYTES // 8)).strip()
    action = {"action": "setDescription", "description": {"de-DE": words}, "staged": False}
    sample.online.update("products", [action], id=product["id"])
    ran = sample.run("products", "delta")
    assert ran.accounts.applied == 1 and ran.accounts.failed == 0
    assert words in str(sample.till_product(sku)["description"])
    assert sample.run("products", "full").accounts.changes == 0
