"""Customers through whole runs over HTTP: what both systems show afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.errors import ConfigurationFault, ProtocolFault, TransientError
from retail_sync.sync.engine.removals import REMOVAL
from retail_sync.sync.engine.settle import RunFailed
from retail_sync.sync.queries.hold_actions import approve_removals
from tests.support.builders.customers import Peopled, custom, peopled, physical, postal

ADA = {"first_name": "Ada", "last_name": "Byron"}
ADA_ONLINE = {"firstName": "Ada", "lastName": "Byron"}


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Peopled]:
    with peopled(ledger_url, tmp_path) as made:
        yield made


def settled(shop: Peopled) -> None:
    """A second run, of either kind, has nothing to write and changes nothing."""
    before = shop.state()
    shop.world.forget_requests()
    for mode in ("full", "delta"):
        run = shop.run(mode)
        told = [(c.system, c.action, c.reasons) for c in shop.ledger.changes.read(run.run_id)]
        assert told == []
    assert shop.customer_writes() == [] and shop.state() == before


# ---------------------------------------------------------------- the first alignment


def test_two_profiles_of_one_person_become_one_pair_and_each_side_gets_what_it_lacks(shop: Peopled) -> None:
    account = shop.sign_up("Ada@example.com", **ADA_ONLINE, companyName="Engines", vatId="DE123")
    profile = shop.enrol(
        email="ada@EXAMPLE.com", **ADA, phone="030 23125 17", date_of_birth="1975-12-10", **postal()
    )
    run = shop.run("full")
    assert run.plan.matched == 1 and run.accounts.failed == 0
    till, online = shop.at_till(profile), shop.account(account)
    assert (till["company_name"], till["custom_field_3"]) == ("Engines", "DE123")
    assert online["dateOfBirth"] == "1975-12-10"
    (address,) = online["addresses"]
    assert (address["streetName"], address["postalCode"], address["country"]) == (
        "Musterweg 1",
        "10115",
        "DE",
    )
    assert online["defaultBillingAddressId"] == address["id"]
    assert online["externalId"] == profile  # one names the other, which is enough
    # Capitals tell no two addresses apart: neither is rewritten.
    assert (online["email"], till["email"]) == ("Ada@example.com", "ada@EXAMPLE.com")
    settled(shop)


def test_who_is_on_one_side_only_is_made_on_the_other_with_all_that_may_flow(shop: Peopled) -> None:
    account = shop.sign_up(
        "ada@example.com",
        **ADA_ONLINE,
        customerNumber="K-17",
        companyName="Engines",
        customerGroup={"typeId": "customer-group", "key": "vip"},
        addresses=[
            {
                "key": "home",
                "country": "DE",
                "streetName": "Weg",
                "streetNumber": "1",
                "city": "Berlin",
                "postalCode": "10115",
                "phone": "030 2312517",
            }
        ],
        defaultShippingAddress=0,
        **custom(newsletter=True, shoeSize="41"),
    )
    profile = shop.enrol(
        email="ben@example.com",
        first_name="Ben",
        last_name="Blau",
        mobile="0151 23456789",
        custom_field_1="L-9",
        **physical(),
    )
    run = shop.run("full")
    assert run.plan.changes == {"commercetools create": 1, "lightspeed create": 1}
    made = shop.at_till(shop.partner(account))
    assert (made["first_name"], made["last_name"], made["email"]) == ("Ada", "Byron", "ada@example.com")
    assert (made["customer_code"], made["company_name"], made["fax"]) == ("K-17", "Engines", "41")
    assert (made["physical_address_1"], made["physical_country_id"]) == ("Weg 1", "DE")
    assert made["phone"] == "+49302312517" and made["do_not_email"] is False
    online = shop.account(shop.partner(profile))
    assert (online["firstName"], online["lastName"], online["email"]) == ("Ben", "Blau", "ben@example.com")
    assert online["externalId"] == profile and online["authenticationMode"] == "ExternalAuth"
    assert online["custom"]["fields"]["loyaltyId"] == "L-9"
    assert "newsletter" not in online["custom"]["fields"]  # a till that did not ask knows of no consent
    assert online["addresses"][0]["mobile"] == "+4915123456789"
    settled(shop)


@pytest.mark.parametrize("missing", ["commercetools", "lightspeed"])
def test_nobody_is_created_where_the_settings_do_not_say_so(shop: Peopled, missing: str) -> None:
    shop.set(create=["lightspeed" if missing == "commercetools" else "commercetools"])
    shop.sign_up("ada@example.com", **ADA_ONLINE)
    shop.enrol(email="ben@example.com", first_name="Ben", last_name="Blau")
    run = shop.run("full")
    assert f"{missing} create" not in run.plan.changes and sum(run.plan.changes.values()) == 1


# ---------------------------------------------------------------- deltas


@pytest.fixture
def pair(shop: Peopled) -> tuple[Peopled, str, str]:
    """Ada, aligned: the shop, her account, her profile."""
    account = shop.sign_up("ada@example.com", **ADA_ONLINE, companyName="Engines", **custom(newsletter=True))
    profile = shop.enrol(
        email="ada@example.com",
        **ADA,
        date_of_birth="1975-12-10",
        company_name="Engines",
        phone="+49302312517",
    )
    shop.run("full")
    return shop, account, profile


def test_an_edit_travels_and_only_what_changed_is_sent(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.edit_till(profile, last_name="King")
    shop.world.forget_requests()
    assert shop.run().writes == 1
    assert shop.account(account)["lastName"] == "King"
    assert shop.customer_writes() == [f"POST /peopled/customers/{account}"]
    shop.edit_online(account, {"action": "changeEmail", "email": "ada.king@example.com"})
    shop.world.forget_requests()
    assert shop.run().writes == 1
    assert shop.at_till(profile)["email"] == "ada.king@example.com"
    settled(shop)


def test_what_the_other_side_owns_is_set_back(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.edit_till(profile, company_name="Looms")
    shop.edit_online(account, {"action": "setDateOfBirth", "dateOfBirth": "1815-12-10"})
    shop.run()
    assert shop.at_till(profile)["company_name"] == "Engines"
    assert shop.account(account)["dateOfBirth"] == "1975-12-10"
    settled(shop)


def test_two_changes_at_the_same_time_are_a_conflict_and_the_rest_goes_on(
    pair: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = pair
    shop.edit_till(profile, last_name="King", mobile="0151 23456789")
    shop.edit_online(account, {"action": "setLastName", "lastName": "Lovelace"})
    run = shop.run()
    assert run.plan.holds == {"conflict": 1}
    assert (shop.account(account)["lastName"], shop.at_till(profile)["last_name"]) == ("Lovelace", "King")
    (hold,) = shop.holds()
    assert hold.field == "last_name" and "Lovelace" not in json.dumps(hold.evidence)
    shop.edit_till(profile, last_name="Lovelace")
    shop.run()
    assert shop.holds() == []


def test_a_field_that_is_emptied_is_emptied_on_the_other_side(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.edit_online(account, {"action": "setCompanyName"})
    shop.run()
    assert shop.at_till(profile)["company_name"] in (None, "")
    settled(shop)


def test_an_address_changes_as_a_whole_and_what_is_not_mapped_stays(shop: Peopled) -> None:
    account = shop.sign_up(
        "ada@example.com",
        **ADA_ONLINE,
        addresses=[
            {
                "key": "home",
                "country": "DE",
                "streetName": "Weg",
                "streetNumber": "1",
                "city": "Berlin",
                "postalCode": "10115",
                "building": "B",
                "firstName": "Ada",
            }
        ],
        defaultBillingAddress=0,
    )
    profile = shop.enrol(email="ada@example.com", **ADA)
    shop.run("full")
    assert shop.at_till(profile)["postal_address_1"] == "Weg 1"
    shop.edit_till(profile, **postal("Allee 7", "Hamburg", "20095"))
    shop.run()
    (address,) = shop.account(account)["addresses"]
    assert (address["streetName"], address["city"], address["building"]) == ("Allee 7", "Hamburg", "B")
    assert "streetNumber" not in address and address["key"] == "home"
    settled(shop)


def test_a_loyalty_balance_goes_online_and_never_back(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.till.set_loyalty_balance(profile, "12.50")
    shop.run()
    assert shop.account(account)["custom"]["fields"]["loyaltyBalance"] == "12.5"
    shop.edit_online(account, {"action": "setCustomField", "name": "loyaltyBalance", "value": "99"})
    shop.run()
    assert shop.account(account)["custom"]["fields"]["loyaltyBalance"] == "12.5"
    settled(shop)


def test_what_looks_like_a_card_number_is_sent_once_and_not_for_ever(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.edit_online(account, {"action": "setCompanyName", "companyName": "Card 4111 1111 1111 1111"})
    run = shop.run()
    assert run.writes == 1 and "4111" not in str(shop.at_till(profile)["company_name"])
    assert shop.account(account)["companyName"] == "Card 4111 1111 1111 1111"
    (change,) = [one for one in shop.ledger.changes.read(run.run_id) if one.outcome == "applied"]
    assert [name for name, _ in change.dropped] == ["company"]
    settled(shop)


def test_a_group_is_carried_by_its_pair(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.edit_online(
        account, {"action": "setCustomerGroup", "customerGroup": {"typeId": "customer-group", "key": "vip"}}
    )
    shop.run()
    groups = {row.id: row.fields["name"] for row in shop.till.customer_groups.live()}
    assert groups[shop.at_till(profile)["customer_group_id"]] == "VIP"
    settled(shop)


# ---------------------------------------------------------------- consent


def test_a_no_at_the_till_ends_the_newsletter_and_only_the_website_can_begin_it_again(
    pair: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = pair
    shop.edit_till(profile, do_not_email=True)
    shop.run()
    assert shop.account(account)["custom"]["fields"]["newsletter"] is False
    shop.edit_till(profile, do_not_email=False)
    shop.run()
    assert shop.account(account)["custom"]["fields"]["newsletter"] is False
    assert shop.at_till(profile)["do_not_email"] is True
    shop.edit_online(account, {"action": "setCustomField", "name": "newsletter", "value": True})
    shop.run()
    assert shop.at_till(profile)["do_not_email"] is False
    settled(shop)


def test_what_is_only_for_marketing_flows_while_there_is_consent(shop: Peopled) -> None:
    shop.set(marketing={"custom.shoe_size": "email"})
    willing = shop.sign_up("ada@example.com", **ADA_ONLINE, **custom(newsletter=True, shoeSize="41"))
    unasked = shop.sign_up("ben@example.com", firstName="Ben", lastName="Blau", **custom(shoeSize="42"))
    shop.run("full")
    assert shop.at_till(shop.partner(willing))["fax"] == "41"
    assert shop.at_till(shop.partner(unasked))["fax"] in (None, "")
    assert shop.at_till(shop.partner(unasked))["do_not_email"] is True
    shop.edit_online(willing, {"action": "setCustomField", "name": "newsletter", "value": False})
    shop.run()
    shop.edit_online(willing, {"action": "setCustomField", "name": "shoeSize", "value": "43"})
    shop.run()
    assert shop.at_till(shop.partner(willing))["fax"] == "41"


# ---------------------------------------------------------------- who is who


def test_of_two_profiles_at_the_till_none_is_chosen_until_a_person_says_so(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    first = shop.enrol(email="ada@example.com", **ADA)
    second = shop.enrol(email="ADA@example.com", **ADA)
    run = shop.run("full")
    assert run.writes == 0 and set(run.plan.holds) == {"ambiguous"}
    shop.run(approve=[f"{account} = {second}"])
    assert shop.partner(account) == second
    shop.run()
    assert shop.held() == {f"lightspeed:{first}": "duplicate_profile"} or set(shop.held().values()) <= {
        "ambiguous",
        "duplicate_profile",
    }
    shop.run(reject=[first])
    shop.run("full")
    assert shop.held() == {} and len(shop.accounts_online()) == 1 and len(shop.profiles()) == 2
    settled(shop)


def test_a_person_of_its_own_leaves_the_others_to_be_told_apart(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    mother = shop.enrol(email="ada@example.com", **ADA)
    daughter = shop.enrol(email="ada@example.com", **ADA)
    assert set(shop.run("full").plan.holds) == {"ambiguous"}
    shop.run(approve=[daughter])
    shop.run("full")
    assert shop.partner(account) == mother and shop.held() == {}
    settled(shop)


def test_a_persons_word_moves_a_link(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    wrong = shop.enrol(email="ada@example.com", **ADA)
    shop.run("full")
    right = shop.enrol(first_name="Ada", last_name="Byron", phone="+49302312517")
    shop.run(approve=[f"{account} = {right}"])
    assert shop.partner(account) == right
    shop.run(reject=[wrong])
    shop.run("full")
    assert shop.partner(account) == right
    settled(shop)


def test_two_profiles_merged_at_the_till_leave_one_pair(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    lost = shop.enrol(email="ada@example.com", **ADA)
    shop.run("full")
    kept = shop.enrol(email="ada@example.com", **ADA, phone="+49302312517")
    shop.run()
    assert set(shop.held().values()) == {"duplicate_profile"}
    shop.till.merge_customers(kept, lost)
    shop.run("full")
    assert shop.partner(account) == kept and shop.held() == {}
    settled(shop)


def test_another_name_on_the_same_address_waits_for_a_person_and_is_never_overwritten(shop: Peopled) -> None:
    account = shop.sign_up("family@example.com", **ADA_ONLINE)
    profile = shop.enrol(email="family@example.com", first_name="Grace", last_name="Hopper")
    run = shop.run("full")
    assert run.plan.holds == {"name_differs": 1} and run.writes == 0
    assert shop.at_till(profile)["first_name"] == "Grace" and shop.account(account)["firstName"] == "Ada"
    told = json.dumps([hold.evidence for hold in shop.holds()])
    assert "Grace" not in told and "family@" not in told and account in told and profile in told
    shop.run(reject=[f"{account} = {profile}"])
    shop.run("full")
    # Each stays who they are: online an address is one account, so the other one stays at the till.
    assert shop.held() == {} and shop.partner(account) != profile
    assert len(shop.accounts_online()) == 1 and len(shop.profiles()) == 2
    settled(shop)


def test_both_sides_make_the_same_person_at_once_and_they_meet(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    made: list[str] = []
    run = shop.run("full", before_load=lambda: made.append(shop.enrol(email="Ada@example.com", **ADA)))
    assert run.accounts.failed == 0
    assert [one["id"] for one in shop.profiles()] == made and shop.partner(account) == made[0]
    shop.run()
    settled(shop)


def test_an_account_made_during_the_run_is_found_by_its_address(shop: Peopled) -> None:
    profile = shop.enrol(email="ada@example.com", **ADA)
    made: list[str] = []
    shop.run("full", before_load=lambda: made.append(shop.sign_up("ADA@example.com", **ADA_ONLINE)))
    assert [one["id"] for one in shop.accounts_online()] == made and shop.partner(profile) == made[0]
    shop.run()
    settled(shop)


def test_an_edit_during_the_run_is_never_overwritten_by_what_was_read_before(
    pair: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = pair
    shop.edit_online(account, {"action": "setLastName", "lastName": "Lovelace"})
    run = shop.run(
        before_load=lambda: shop.edit_online(account, {"action": "setLastName", "lastName": "King"})
    )
    assert run.accounts.failed == 0 and shop.at_till(profile)["last_name"] == "King"
    settled(shop)


# ---------------------------------------------------------------- crashes


@pytest.mark.parametrize("side", ["commercetools", "lightspeed"])
@pytest.mark.parametrize("lag", [0, 5])
def test_a_run_that_dies_after_its_write_makes_nobody_twice(
    shop: Peopled, monkeypatch: pytest.MonkeyPatch, side: str, lag: int
) -> None:
    shop.till.options.customer_search_lag_writes = lag
    if side == "lightspeed":
        shop.sign_up("ada@example.com", **ADA_ONLINE)
    else:
        shop.enrol(email="ada@example.com", **ADA)

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("retail_sync.sync.customers.apply.settle", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.run("full", run_id="customers/dies")
    assert len(shop.accounts_online()) == len(shop.profiles()) == 1 and shop.links() == []
    # Cleared and run again, and then as a new run: there is one of each, and they are linked.
    shop.run("full", run_id="customers/dies")
    shop.run("full")
    assert len(shop.accounts_online()) == len(shop.profiles()) == 1 and len(shop.links()) == 1
    settled(shop)


@pytest.mark.parametrize("side", ["commercetools", "lightspeed"])
@pytest.mark.parametrize("lag", [0, 5])
def test_an_answer_that_never_came_makes_nobody_twice(shop: Peopled, side: str, lag: int) -> None:
    shop.till.options.customer_search_lag_writes = lag
    if side == "lightspeed":
        shop.sign_up("ada@example.com", **ADA_ONLINE)
    else:
        shop.enrol(email="ada@example.com", **ADA)
    shop.world.faults[side].add(
        {"kind": "timeout_after", "method": "POST", "match": "/customers$", "times": 1}
    )
    try:
        shop.run("full", run_id="customers/unknown")
    except TransientError:
        shop.run("full", run_id="customers/unknown")
    assert len(shop.accounts_online()) == len(shop.profiles()) == 1 and len(shop.links()) == 1
    settled(shop)


@pytest.mark.parametrize("lag", [0, 50])
def test_two_runs_planned_from_the_same_state_make_nobody_twice(shop: Peopled, lag: int) -> None:
    shop.till.options.customer_search_lag_writes = lag
    for number in range(3):
        shop.sign_up(f"o{number}@example.com", firstName=f"O{number}", lastName="Online")
        shop.enrol(email=f"t{number}@example.com", first_name=f"T{number}", last_name="Till")

    def another_run() -> None:
        with ThreadPoolExecutor() as other:
            other.submit(shop.run, "full").result()

    run = shop.run("full", before_load=another_run)
    assert run.accounts.failed == run.accounts.applied == 0
    assert len(shop.accounts_online()) == len(shop.profiles()) == len(shop.links()) == 6
    settled(shop)


# ---------------------------------------------------------------- deletions


def test_a_deletion_is_reported_and_nothing_is_deleted_by_default(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.till.delete_customer(profile)
    run = shop.run()
    assert run.plan.holds == {"deleted_there": 1} and run.writes == 0
    assert shop.account(account)["email"] == "ada@example.com"


def test_an_account_that_is_gone_can_be_anonymised_at_the_till(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    shop.set(deletions={"in_commercetools": "anonymise"})
    shop.sign_up("ben@example.com", firstName="Ben", lastName="Blau")
    shop.run()
    shop.online.delete("customers", id=account)
    run = shop.run("full")
    assert run.writes == 1
    row = next(dict(one) for one in shop.till.all_customers(deleted=True) if one["id"] == profile)
    assert (
        row["deleted_at"]
        and "Ada" not in json.dumps(row, default=str)
        and "example" not in json.dumps(row, default=str)
    )
    (change,) = [one for one in shop.ledger.changes.read(run.run_id) if one.action == "anonymise"]
    assert (change.before, change.after, change.outcome) == ({}, {}, "applied")
    assert all(one.commercetools_id != account for one in shop.links())
    settled(shop)


@pytest.mark.parametrize(("policy", "erased"), [("delete", False), ("erase", True)])
def test_a_profile_that_is_gone_can_take_its_account_along(
    pair: tuple[Peopled, str, str], policy: str, erased: bool
) -> None:
    shop, account, profile = pair
    shop.set(deletions={"in_lightspeed": policy})
    shop.till.delete_customer(profile)
    shop.world.forget_requests()
    assert shop.run().writes == 1
    assert shop.online.get("customers", id=account) is None
    (sent,) = [r for r in shop.world.requests("commercetools") if r.method == "DELETE"]
    assert ("dataErasure=true" in sent.query) is erased
    settled(shop)


def test_many_deletions_at_once_are_carried_nowhere(shop: Peopled) -> None:
    shop.set(deletions={"in_commercetools": "delete"})
    accounts = [shop.sign_up(f"p{n}@example.com", firstName=f"P{n}", lastName="Q") for n in range(24)]
    shop.run("full")
    for account in accounts[:21]:
        shop.online.delete("customers", id=account)
    shop.edit_online(accounts[23], {"action": "setFirstName", "firstName": "Still here"})
    with pytest.raises(RunFailed, match="21 of 24 of the customers of commercetools"):
        shop.run("full")
    assert len(shop.profiles()) == 24
    assert shop.at_till(shop.partner(accounts[23]))["first_name"] == "Still here"
    (hold,) = [one for one in shop.holds() if one.code == REMOVAL]
    assert "@" not in hold.message
    shop.ledger.decisions.add("customers", [approve_removals(hold, "Kim")])
    run = shop.run()
    assert run.writes == 21 and len(shop.profiles()) == 3 and shop.held() == {}
    settled(shop)


# ---------------------------------------------------------------- ownership and rules


def test_one_way_fields_and_excluded_ones_do_not_go_where_they_must_not(shop: Peopled) -> None:
    shop.set(one_way={"last_name": "lightspeed"}, exclude=["mobile"])
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    profile = shop.enrol(email="ada@example.com", **ADA, mobile="0151 23456789", **postal())
    shop.run("full")
    shop.edit_till(profile, last_name="King")
    shop.run()
    assert shop.account(account)["lastName"] == "Byron"
    assert all("mobile" not in address for address in shop.account(account)["addresses"])


def test_an_address_that_is_none_is_left_out_and_reported(shop: Peopled) -> None:
    account = shop.sign_up("ada@example.com", **ADA_ONLINE)
    profile = shop.enrol(email="ada@example.com", **ADA, **postal())
    shop.run("full")
    shop.edit_till(profile, email="not an address", mobile="12", date_of_birth="1975-12-10")
    run = shop.run()
    online = shop.account(account)
    assert online["dateOfBirth"] == "1975-12-10" and online["email"] == "ada@example.com"
    assert run.plan.warnings == {"email_invalid": 1, "phone_invalid": 1}


def test_one_bad_customer_never_blocks_the_others(shop: Peopled) -> None:
    bad = shop.sign_up("bad@example.com", firstName="Bad", lastName="One")
    for number in range(5):
        shop.sign_up(f"p{number}@example.com", firstName=f"P{number}", lastName="Q")
    shop.world.faults["lightspeed"].add(
        {
            "kind": "status",
            "status": 400,
            "body": {"error": "bad@example.com is not wanted"},
            "method": "POST",
            "match": "/customers$",
            "times": 1,
        }
    )
    run = shop.run("full")
    assert run.accounts.failed == 1 and run.accounts.applied == 5 and len(shop.profiles()) == 5
    (hold,) = shop.holds()
    assert "bad@example.com" not in json.dumps([hold.message, hold.evidence, hold.label, hold.release])
    del bad


def test_keys_look_at_these_customers_and_their_partners_only(pair: tuple[Peopled, str, str]) -> None:
    shop, account, profile = pair
    other = shop.sign_up("ben@example.com", firstName="Ben", lastName="Blau")
    shop.edit_till(profile, last_name="King")
    run = shop.run(keys=[profile])
    assert shop.account(account)["lastName"] == "King" and run.writes == 1
    assert all(one.commercetools_id != other for one in shop.links())


def test_an_erasure_request_is_carried_on_at_once_for_the_id_that_was_erased(
    pair: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = pair
    shop.set(deletions={"in_commercetools": "anonymise"})
    shop.online.delete("customers", id=account)
    run = shop.run(keys=[account])
    assert run.plan.changes == {"lightspeed anonymise": 1} and run.writes == 1
    assert all(one["id"] != profile for one in shop.profiles())


def test_a_project_that_knows_no_customer_at_all_is_no_proof_that_the_one_asked_for_was_erased(
    pair: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = pair
    other = shop.sign_up("bob@example.com", firstName="Bob", lastName="Byron")
    shop.run()
    shop.set(deletions={"in_commercetools": "anonymise"})
    for one in (account, other):
        shop.online.delete("customers", id=one)
    with pytest.raises(ProtocolFault, match="should be"):
        shop.run(keys=[account])
    assert any(one["id"] == profile for one in shop.profiles())


@pytest.mark.parametrize("first", [[], None])
def test_a_change_of_what_is_private_asks_for_a_full_run_and_writes_nothing(
    shop: Peopled, first: list[str] | None
) -> None:
    """`first`: nothing was private and now is, or the other way round."""
    everything = list(shop.settings.customers.hash)
    shop.set(hash=everything if first is None else first)
    account = shop.sign_up("Ada@example.com", **ADA_ONLINE, companyName="Engines")
    shop.enrol(email="ada@example.com", **ADA, phone="030 2312517", **postal())
    shop.run("full")
    shop.edit_online(account, {"action": "setCompanyName", "companyName": "Card 4111 1111 1111 1111"})
    shop.run()
    shop.set(hash=[] if first is None else everything)
    with pytest.raises(ConfigurationFault, match="mode=full"):
        shop.run()
    run = shop.run("full")
    assert run.accounts.changes == 0 and run.plan.holds == {}
    settled(shop)
