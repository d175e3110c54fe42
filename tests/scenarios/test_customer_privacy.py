"""Private fields stop at the reader: planted values are looked for everywhere, after runs that go well and others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from retail_sync.ledger.engine import transaction
from retail_sync.records.errors import TransientError
from retail_sync.sync.engine.settle import RunFailed
from tests.support.builders.customers import Peopled, custom, peopled, physical, postal
from tests.support.leaking import everything_kept, leaks

PLANTED = (
    "zephyrine",  # first names
    "balthasarius",
    "quastenflosser",  # family names
    "mondscheinpfad",  # street
    "plantedtown",
    "23125777",  # phones, however they are spelt
    "5550137777",
    "geheimnis",  # company
    "de999888777",  # VAT number
    "card-778899",  # loyalty number
    "1931-03-07",  # date of birth
    "shoe-size-47",  # a field of the shop's own
    "@planted",  # every address
)


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Peopled]:
    with peopled(ledger_url, tmp_path) as made:
        yield made


def plant(shop: Peopled) -> tuple[str, str]:
    """People on both sides whose every private field can be recognised."""
    account = shop.sign_up(
        "Zephyrine.Q@planted.example.com",
        firstName="Zephyrine",
        lastName="Quastenflosser",
        companyName="Geheimnis GmbH",
        vatId="DE999888777",
        dateOfBirth="1931-03-07",
        addresses=[
            {
                "key": "home",
                "country": "DE",
                "streetName": "Mondscheinpfad",
                "streetNumber": "3",
                "city": "Plantedtown",
                "postalCode": "10115",
                "phone": "+49 30 23125777",
                "mobile": "0151 5550137777",
            }
        ],
        defaultShippingAddress=0,
        defaultBillingAddress=0,
        **custom(loyaltyId="CARD-778899", shoeSize="shoe-size-47", newsletter=True),
    )
    profile = shop.enrol(
        email="balthasarius@planted.example.org",
        first_name="Balthasarius",
        last_name="Quastenflosser",
        company_name="Geheimnis",
        phone="030 / 23125777",
        custom_field_1="CARD-7788990",
        date_of_birth="1931-03-07",
        **physical("Mondscheinpfad 9", "Plantedtown"),
        **postal("Mondscheinpfad 9", "Plantedtown"),
    )
    # Two who can't be told apart, and one of another name on a planted address: holds with evidence.
    for name in ("Zephyrine", "zephyrine"):
        shop.enrol(email="twin@planted.example.net", first_name=name, last_name="Quastenflosser")
    shop.sign_up("twin@planted.example.net", firstName="Zephyrine", lastName="Quastenflosser")
    shop.sign_up("other@planted.example.net", firstName="Zephyrine", lastName="Quastenflosser")
    shop.enrol(email="OTHER@planted.example.net", first_name="Balthasarius", last_name="Mondscheinpfad")
    return account, profile


def test_after_runs_that_write_hold_and_fail_no_private_value_is_kept_anywhere(
    shop: Peopled, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    account, profile = plant(shop)
    faults = shop.world.faults
    refused = {
        "message": "Zephyrine.Q@planted.example.com is not wanted",
        "errors": [
            {
                "code": "InvalidField",
                "message": "Mondscheinpfad",
                "field": "email",
                "invalidValue": "Zephyrine.Q@planted",
            }
        ],
    }
    faults["lightspeed"].add(
        {
            "kind": "status",
            "status": 400,
            "body": {"error": refused["message"]},
            "method": "POST",
            "match": "/customers$",
            "times": 1,
        }
    )
    faults["commercetools"].add(
        {
            "kind": "status",
            "status": 400,
            "body": {"statusCode": 400, **refused},
            "method": "POST",
            "match": "/customers$",
            "times": 1,
        }
    )
    faults["lightspeed"].add(
        {"kind": "html", "status": 502, "method": "GET", "match": "/customers", "times": 1}
    )
    shop.set("limits", failed_least=1)
    with pytest.raises(RunFailed):  # both creations are refused
        shop.run("full")
    assert {"ambiguous", "name_differs"} <= set(shop.held().values())
    faults["commercetools"].add(
        {"kind": "timeout_after", "method": "POST", "match": "/customers$", "times": 1}
    )
    try:
        shop.run("full", run_id="customers/again")
    except TransientError:
        shop.run("full", run_id="customers/again")
    shop.edit_till(
        profile, **physical("Mondscheinpfad 10", "Plantedtown"), last_name="Quastenflosser-Zephyrine"
    )
    shop.run()
    assert shop.account(shop.partner(profile))["lastName"] == "Quastenflosser-Zephyrine"
    assert shop.at_till(shop.partner(account))["first_name"] == "Zephyrine"
    found = everything_kept(shop)
    assert found["table mirror"] and found["table changes"] and found["table holds"] and found["exchanges"]
    assert leaks({**found, "logs": caplog.text}, PLANTED) == []


def test_the_search_for_planted_values_finds_them_where_they_are_not_hidden(
    ledger_url: str, tmp_path: Path
) -> None:
    """With nothing hashed the same search must find every value that was planted."""
    with peopled(ledger_url, tmp_path, hash=[]) as shop:
        plant(shop)
        shop.run("full", dry_run=True)
        found = {value for _, value, _ in leaks(everything_kept(shop), PLANTED)}
        assert found == set(PLANTED)


def test_an_excluded_field_is_not_even_kept_as_a_digest(ledger_url: str, tmp_path: Path) -> None:
    with peopled(ledger_url, tmp_path, exclude=["date_of_birth", "company"], hash=[]) as shop:
        plant(shop)
        shop.run("full")
        found = {value for _, value, _ in leaks(everything_kept(shop), PLANTED)}
        assert found.isdisjoint({"1931-03-07", "geheimnis"})
        with transaction(shop.ledger.engine) as connection:
            named = connection.execute(
                text("SELECT count(*) FROM mirror WHERE fields ? 'date_of_birth' OR fields ? 'company'")
            ).scalar_one()
        assert named == 0
        (made,) = [
            one for one in shop.profiles() if one["first_name"] == "Zephyrine" and one["custom_field_1"]
        ]
        assert made["company_name"] in (None, "") and made["date_of_birth"] is None


def test_a_number_that_the_till_makes_up_of_a_name_is_private(shop: Peopled) -> None:
    profile = shop.enrol(first_name="Zephyrine", last_name="Q", email="z@planted.example.com")
    assert str(shop.at_till(profile)["customer_code"]).startswith("Zephyrine-")
    shop.run("full", dry_run=True)
    assert leaks(everything_kept(shop), PLANTED) == []
