"""The sample shop's customers: on both sides, partly the same people, and as untidy as it says."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from sandbox.shop import SAMPLE_SHOP, Shop, ShopError, load_shop
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store

FICTION = re.compile(
    r"3023125\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3}|6990009\d{3}|1713920\d{3}|17139200\d{2}|17604069\d{4}|"
    r"17604069\d{3}|1134960\d{3}|1174960\d{3}|1614960\d{3}|7700900\d{3}"
)
"""Numbers no one has: kept free by the Bundesnetzagentur and by Ofcom, without country code and first zero."""


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


@pytest.fixture(scope="module")
def online(shop: Shop) -> CommercetoolsStore:
    return new_commercetools_store(shop)


@pytest.fixture(scope="module")
def till(shop: Shop) -> LightspeedStore:
    return new_lightspeed_store(shop)


def email_of(person: dict[str, Any]) -> str:
    return (person.get("email") or "").strip().lower()


def digits_of(phone: str) -> str:
    return re.sub(r"^(0049|49|44)?0*", "", re.sub(r"\(0\)|\D", "", phone))


def phones(shop: Shop) -> list[str]:
    people = [address for each in shop.customers for address in each["addresses"]]
    return [each[name] for each in (*people, *shop.lightspeed.customers) for name in PHONES if each.get(name)]


PHONES = ("phone", "mobile")


def test_a_third_of_the_people_are_on_both_sides(shop: Shop) -> None:
    online = {(each["firstName"], each["lastName"]) for each in shop.customers}
    emails = {email_of(each) for each in shop.customers}
    both = [
        each
        for each in shop.lightspeed.customers
        if email_of(each) in emails or (each["first_name"], each["last_name"]) in online
    ]
    assert len(both) == 16  # one of them twice
    assert sum(each["about"].startswith("at the till only") for each in shop.lightspeed.customers) == 24


def test_its_untidiness_is_what_is_promised(shop: Shop) -> None:
    customers = shop.lightspeed.customers
    by_email = Counter(email_of(each) for each in customers if email_of(each))
    assert [email for email, count in by_email.items() if count > 1] == ["grace.invented@example.com"]
    assert any(each.get("email", "") != each.get("email", "").strip() for each in customers)
    assert any(email_of(each) != each.get("email", "").strip() for each in customers)
    assert sum("email" not in each for each in customers) >= 5
    shared = Counter(digits_of(each["phone"]) for each in customers if "phone" in each)
    assert [number for number, count in shared.items() if count > 1] == ["3023125111"]
    (berta,) = [each for each in customers if email_of(each) == "emil.ausgedacht@example.com"]
    assert (berta["first_name"], berta["last_name"]) == ("Berta", "Wolkenstein")
    (abroad,) = [each for each in customers if "physical_city" in each and "physical_country_id" not in each]
    assert abroad["last_name"] == "Modell"
    assert len({re.sub(r"\d", "9", phone) for phone in phones(shop)}) >= 12


def test_no_phone_is_anybodys(shop: Shop) -> None:
    numbers = {digits_of(phone) for phone in phones(shop)} - {""}
    assert {number for number in numbers if FICTION.fullmatch(number) is None} == set()


def test_consent_loyalty_and_group_are_on_both_sides(
    shop: Shop, online: CommercetoolsStore, till: LightspeedStore
) -> None:
    (kind,) = [each for each in online.all("types") if "customer" in each["resourceTypeIds"]]
    assert kind["key"] == "customer"
    kinds = {each["name"]: each["type"]["name"] for each in kind["fieldDefinitions"]}
    assert kinds == {"newsletter": "Boolean", "loyaltyId": "String"}
    (group,) = online.all("customer-groups")
    regulars = [
        each for each in online.all("customers") if each.get("customerGroup", {}).get("id") == group["id"]
    ]
    assert len(regulars) == 5
    (theirs,) = [row.id for row in till.customer_groups.live() if row.name == "Stammkunden"]
    assert sum(each["customer_group_id"] == theirs for each in till.all_customers()) == 5
    online_ids = {
        each["custom"]["fields"].get("loyaltyId") for each in online.all("customers") if "custom" in each
    }
    till_ids = {each["custom_field_1"] for each in till.all_customers()}
    assert len((online_ids & till_ids) - {None}) == 5
    mara = next(each for each in till.all_customers() if each["last_name"] == "Beispiel")
    assert (mara["loyalty_balance"], mara["date_of_birth"]) == (Decimal("12.50"), "1988-05-14")
    assert any(each["do_not_email"] for each in till.all_customers())


def test_customers_arrive_at_the_till_with_the_deleted_ones_deleted(
    shop: Shop, till: LightspeedStore
) -> None:
    rows = {row["customer_code"]: row for row in till.all_customers(deleted=True)}
    for customer in shop.lightspeed.customers:
        row = rows[customer["customer_code"]]
        kept = {name: value for name, value in customer.items() if name not in ("about", "group", "deleted")}
        assert {name: row[name] for name in kept} == {
            name: Decimal(value) if name == "loyalty_balance" else value for name, value in kept.items()
        }
        assert (row["deleted_at"] is not None) == customer.get("deleted", False)
    assert len(rows) == 40
    assert len(till.all_customers()) == 38


@pytest.mark.parametrize(
    ("customer", "problem"),
    [
        ({"customer_code": "K-1", "surname": "Byron"}, r"customer 1 \(K-1\) has the field 'surname'"),
        ({"group": "Staff"}, r"customer 1 \(no code\) names the customer group 'Staff'"),
        ({"loyalty_balance": 12.5}, "loyalty_balance 12.5 is no decimal text"),
        ({"balance": "much"}, "balance 'much' is no decimal text"),
    ],
)
def test_a_customer_who_is_described_wrongly_is_refused(
    tmp_path: Path, customer: dict[str, Any], problem: str
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLE_SHOP, folder)
    described = json.loads((folder / "lightspeed.json").read_text(encoding="utf-8"))
    (folder / "lightspeed.json").write_text(json.dumps(described | {"customers": [customer]}), "utf-8")
    with pytest.raises(ShopError, match=problem) as caught:
        load_shop(folder)
    assert Path(caught.value.file).name == "lightspeed.json"
