"""Who may come in, and that nothing a stranger sends does anything."""

from __future__ import annotations

import pytest

from include.console.app import PAGES
from tests.console.house import House

ADDRESSES = ["/" if page == "overview" else f"/{page}" for page in PAGES]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_sees_anything_without_signing_in(house: House, address: str) -> None:
    answer = house.client(None).get(address)
    assert answer.status_code == 401
    assert "Nobody is signed in" in answer.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_somebody_without_rights_is_refused(house: House, address: str) -> None:
    assert house.client("stranger").get(address).status_code == 403


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_empty_ledger_gives_a_page_that_says_so(house: House, address: str) -> None:
    answer = house.client("viewer").get(address)
    assert answer.status_code == 200, answer.text
    assert "<h1>" in answer.text


@pytest.mark.parametrize("address", [*ADDRESSES, "/nowhere"])
def test_every_answer_forbids_what_is_not_ours(house: House, address: str) -> None:
    answer = house.client().get(address)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_a_sentence_nobody_signed_is_not_shown(house: House) -> None:
    answer = house.client().get("/", params={"said": "<b>All stock was deleted</b>"})
    assert "All stock was deleted" not in answer.text


def test_what_is_not_there_is_told_without_repeating_it(house: House) -> None:
    answer = house.client().get("/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
