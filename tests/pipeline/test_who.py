"""Somebody's ids are found by e-mail address, and the address is shown nowhere."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_sync.pipeline.cli import find_customer as who
from retail_sync.pipeline.runtime.secrets import seal_of
from tests.support.builders.customers import Peopled, peopled
from tests.support.runs import KEY
from tests.support.settings_files import dump_settings

pytestmark = pytest.mark.airflow

ADDRESS = "Zephyrine.Q@Planted.example.com"


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peopled]:
    with peopled(ledger_url, tmp_path / "staging") as made:
        dump_settings(made.settings, tmp_path / "sync.yaml")
        for name, value in (
            ("RETAIL_SYNC_LEDGER", ledger_url),
            ("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml")),
            ("RETAIL_SYNC_SECRET_KEY", KEY),
        ):
            monkeypatch.setenv(name, value)
        yield made


def asked(monkeypatch: pytest.MonkeyPatch, answer: str) -> int:
    """What the command comes to when somebody types this."""
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": answer)
    return who.main()


def lines_of(shop: Peopled, address: str) -> list[str]:
    seal = seal_of(shop.ledger, shop.settings)
    return who.lines_about(shop.ledger, set(seal.tokens({"email": address})["email"]))


@pytest.mark.parametrize("typed", [ADDRESS, ADDRESS.lower(), ADDRESS.upper(), f"  {ADDRESS.swapcase()} "])
def test_everybody_who_bears_an_address_is_found_in_any_capitals_and_the_address_is_not_shown(
    shop: Peopled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    account = shop.sign_up(ADDRESS.lower(), firstName="Zephyrine", lastName="Q", customerNumber="C-77")
    profile = shop.enrol(email=ADDRESS.upper(), first_name="Zephyrine", last_name="Q")
    another = shop.sign_up("another@planted.example.com", firstName="Bea")
    shop.run("full")
    assert asked(monkeypatch, typed) == 0
    told = capsys.readouterr()
    found = told.out.splitlines()
    assert [line.split()[:2] for line in found] == [["commercetools", account], ["lightspeed", profile]]
    assert "number C-77" in found[0]
    assert all(line.endswith("  linked") for line in found)
    assert another not in told.out
    for private in ("planted", "zephyrine"):
        assert private not in (told.out + told.err).casefold()


def test_who_waits_or_is_gone_is_shown_with_the_reason(shop: Peopled) -> None:
    twins = {shop.enrol(email=ADDRESS, first_name=name) for name in ("Zephyrine", "Zephyrin")}
    account = shop.sign_up(ADDRESS, firstName="Zephyrine")
    shop.run("full")
    found = {line.split()[1]: line for line in lines_of(shop, ADDRESS)}
    assert set(found) == {account, *twins}
    assert {line.split("  ")[-1] for line in found.values()} == {"not linked, held: ambiguous"}


def test_an_address_nobody_bears_finds_nobody(
    shop: Peopled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sign_up(ADDRESS)
    shop.run("full", dry_run=True)
    assert asked(monkeypatch, "x" + ADDRESS) == 0
    assert capsys.readouterr().out == "The ledger knows nobody with this address.\n"


def test_what_is_no_address_is_not_looked_for_and_not_repeated(
    shop: Peopled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed in ("", "zephyrine at planted"):
        assert asked(monkeypatch, typed) == 2
        told = capsys.readouterr()
        assert (told.out, told.err) == ("", "That is no e-mail address.\n")
