"""Who may come in, and that nothing a stranger sends does anything."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retail_sync.console import rendering
from retail_sync.console.app import PAGES
from tests.support.console_app import House, form_token

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


def test_no_page_of_the_console_has_an_address_from_the_top_of_the_host() -> None:
    """Airflow may be under a path: links are built from where the console is mounted, or from where Airflow is."""
    attribute = re.compile(
        r"""(?:href|src|action|formaction)=["'](/[^"']*)|["'`](/(?:dags|retail-sync)/[^"'`]*)"""
    )
    sources = [
        *rendering.FOLDER.glob("templates/*.html"),
        *rendering.STATIC.glob("*.js"),
        *rendering.STATIC.glob("*.css"),
    ]
    assert len(sources) > 20
    found = {source.name: attribute.findall(source.read_text()) for source in sources}
    assert {name: ones for name, ones in found.items() if ones} == {}
    assert not any(re.search(r"url\(['\"]?/", source.read_text()) for source in sources)


def test_links_to_airflow_are_under_its_path(house: House) -> None:
    house.ports = replace(house.ports, airflow="/airflow")
    page = house.client().get("/").text
    assert 'href="/airflow/dags/preflight"' in page and 'href="/dags' not in page


def test_a_form_is_taken_by_the_name_that_browsers_know_and_no_other(house: House) -> None:
    """A proxy may call this server by another name than browsers do: `[api] base_url` says theirs."""
    house.ports = replace(house.ports, host="shop.example.com")
    client = house.client()
    form = {"form_token": form_token(client.get("/drift").text)}
    for origin, status in (
        ("https://shop.example.com", 303), ("https://evil.example.com", 403),
        ("http://[", 403), ("null", 403), ("", 403),
    ):  # fmt: skip
        assert client.post("/drift/reconcile", data=form, headers={"origin": origin}).status_code == status
