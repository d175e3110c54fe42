"""Settings of customers are validated when they are loaded: what, on which line, and the way out."""

from __future__ import annotations

import pytest

from retail_sync.records.customers import NAMES, PRIVATE
from retail_sync.settings.loader import parse_settings
from retail_sync.settings.models.customers import CUSTOMER_FIELDS, PERSONAL_FIELDS, CustomerSettings
from tests.support.settings_files import refused


@pytest.mark.parametrize(
    ("customers", "says"),
    [
        ("  fields: {emial: {owner: newest}}", "there is no field emial"),
        ("  exclude: [nose]", "there is no field nose"),
        ("  hash: [nose]", "there is no field nose"),
        ("  one_way: {nose: lightspeed}", "there is no field nose"),
        ("  fields: {email: {owner: nobody}}", "owner"),
        ("  fields: {tax_id: {owner: newest}}", "lightspeed has no place of its own for tax_id"),
        ("  fields: {loyalty_id: {owner: newest, lightspeed: custom_field_1}}", "commercetools has no place"),
        (
            "  fields: {custom.shoes: {owner: newest, commercetools: 'custom:shoes'}}",
            "lightspeed has no place",
        ),
        ("  fields: {tax_id: {owner: newest, lightspeed: custom_field_9}}", "no free field 'custom_field_9'"),
        (
            "  external_id_field: custom_field_1\n  fields: {tax_id: {owner: newest, lightspeed: custom_field_1}}",
            "custom_field_1 already holds the online id",
        ),
        ("  external_id_field: note", "no custom field of a Lightspeed customer"),
        ("  fields: {phone: {owner: newest, commercetools: phone}}", "commercetools"),
        ("  create: [lightspeed]", "no field of them has an owner"),
        (
            "  create: [commercetools]\n  exclude: [email]\n  fields: {email: {owner: newest}, phone: {owner: newest}}",
            "needs an e-mail address",
        ),
        (
            "  create: [commercetools]\n  one_way: {email: lightspeed}\n  fields: {email: {owner: newest}}",
            "needs an e-mail address",
        ),
        ("  stores: [a]\n  create_in_store: b", "Customers of the store 'b' take no part"),
        ("  fields: {group: {owner: newest}}", "Groups are to sync, but none is paired"),
        (
            "  groups: [{commercetools: a, lightspeed: A}, {commercetools: a, lightspeed: B}]",
            "The group 'a' is named twice",
        ),
        ("  marketing: {custom.shoes: email}", "There is no field 'custom.shoes'"),
        (
            "  fields: {custom.x: {owner: newest, commercetools: 'custom:x', lightspeed: fax}}\n"
            "  marketing: {custom.x: sms}",
            "The consent 'sms' is not set up",
        ),
        (
            "  one_way: {company: lightspeed}\n  fields: {company: {owner: lightspeed}}",
            "may only flow there, so it never flows",
        ),
        ("  match: [email, email]", "email is named twice"),
        ("  match: []\n  fields: {email: {owner: newest}}", "nobody would ever be recognised"),
        ("  default_country: de", "default_country"),
        ("  consents: {email: {commercetools: newsletter}}", "commercetools"),
        ("  deletions: {in_commercetools: erase}", "in_commercetools"),
        ("  deletions: {most: 0}", "most"),
    ],
)
def test_settings_of_customers_that_can_not_work_are_refused_with_the_way_out(
    customers: str, says: str
) -> None:
    assert says in refused("customers:\n" + customers)


def test_fields_that_may_be_configured_are_those_of_the_records() -> None:
    assert set(CUSTOMER_FIELDS) == {name for name in NAMES if not name.startswith("consent_")} - {"custom.*"}
    assert set(PERSONAL_FIELDS) == set(PRIVATE)


def test_nothing_of_customers_syncs_until_a_field_has_an_owner() -> None:
    assert not CustomerSettings().synced
    assert not parse_settings("customers: {fields: {email: {owner: none}}}").customers.synced


def test_a_loyalty_balance_is_the_tills_whoever_is_named() -> None:
    given = parse_settings(
        "customers: {fields: {loyalty_balance: {owner: newest, commercetools: 'custom:points'}}}"
    ).customers
    assert given.owner_of("loyalty_balance") == "lightspeed"
