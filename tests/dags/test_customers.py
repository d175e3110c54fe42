"""The DAGs customers and forget, run task by task by Airflow against both stand-ins: both sides aligned, an address
refused, somebody forgotten for good, and nobody's name anywhere."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

import tests.support.airflow_home as airflow_home
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.rows import ExchangeRow
from tests.dags.conftest import Finished, Run, environment
from tests.dags.test_products import said_to_others
from tests.support.builders.customers import Peopled, peopled, physical, postal
from tests.support.exchanges import kept_exchanges
from tests.support.runs import KEY
from tests.support.worlds import World

pytestmark = pytest.mark.airflow

ADDRESS = "Zephyrine.Q@planted.example.com"
PLANTED = ("@planted", "zephyrine", "balthasarius", "quastenflosser", "mondscheinpfad", "23125777")
"""First names, a family name, a street, a telephone number, and what every e-mail address holds."""


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peopled]:
    """Some people on both sides: one on both, one on each, and three who can't be told apart."""
    with peopled(ledger_url, tmp_path / "scenario") as made:
        for name, value in environment(made.world, ledger_url, tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RETAIL_SYNC_SECRET_KEY", KEY)
        yield made


@pytest.fixture
def world(shop: Peopled) -> World:
    """What the fixture `run` plays in."""
    return shop.world


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def settle_in(shop: Peopled) -> tuple[str, str]:
    """People move in; the account and the profile of her who is on both sides."""
    account = shop.sign_up(
        ADDRESS,
        firstName="Zephyrine",
        lastName="Quastenflosser",
        addresses=[
            {
                "key": "home",
                "country": "DE",
                "streetName": "Mondscheinpfad",
                "streetNumber": "3",
                "city": "Berlin",
                "postalCode": "10115",
                "phone": "+49 30 23125777",
            }
        ],
        defaultShippingAddress=0,
        defaultBillingAddress=0,
    )
    profile = shop.enrol(email=ADDRESS.lower(), first_name="Zephyrine", last_name="Quastenflosser")
    shop.sign_up("only.online@planted.example.com", firstName="Balthasarius", lastName="Quastenflosser")
    shop.enrol(
        email="only.till@planted.example.com",
        first_name="Balthasarius",
        phone="030 / 23125777 1",
        **physical("Mondscheinpfad 9"),
        **postal("Mondscheinpfad 9"),
    )
    for name in ("Zephyrine", "zephyrine"):
        shop.enrol(email="twin@planted.example.net", first_name=name, last_name="Mondscheinpfad")
    shop.sign_up("twin@planted.example.net", firstName="Zephyrine", lastName="Mondscheinpfad")
    return account, profile


def test_aligned_once_then_quiet_then_one_is_forgotten_for_good(
    run: Run, shop: Peopled, tmp_path: Path, logged: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    account, profile = settle_in(shop)
    first = run("customers", mode="full")
    assert (first.state, first.audit["accounts_add_up"]) == ("success", True)
    assert first.accounts["applied"] == first.accounts["changes"] >= 3
    assert first.audit["holds"] == {"ambiguous": 3}
    assert shop.partner(account) == profile
    assert shop.at_till(profile)["physical_address_1"] == "Mondscheinpfad 3"
    people = len(shop.accounts_online()), len(shop.profiles())
    assert people == (4, 5), "each who was on one side only is on both; twins were not created anywhere"

    shop.world.forget_requests()
    second = run("customers", mode="full")
    assert (second.state, second.accounts["changes"], shop.customer_writes()) == ("success", 0, [])
    assert leaks(kept(shop, tmp_path, [first, second], logged, capfd)) == []

    assert {"mirror", "links", "staging"} <= naming(shop, tmp_path, account) | naming(shop, tmp_path, profile)
    forgotten = run("forget", keys=[profile])
    assert forgotten.state == "success"
    found = forgotten.xcom[("forget", "return_value")]
    assert (found["mirror"], found["links"], found["staged runs"]) == (2, 1, 2)
    assert found["changes"] >= 1
    for record in (account, profile):
        where = naming(shop, tmp_path, record)
        assert where <= {"changes", "decisions", "exchanges"}, (
            "which id was asked for and written, and stays out"
        )
        assert {one.response_body for one in exchanges(shop, first) if record in one.url} <= {None}
    (noted,) = shop.ledger.runs.last("forget", 1)
    assert noted.state == "succeeded"
    assert noted.summary is not None and noted.summary.startswith("2 profiles erased: ")

    assert shop.ledger.checkpoints.get(f"customers/{second.run_id}", "extract_lightspeed") is None
    shop.edit_online(account, {"action": "setFirstName", "firstName": "Balthasarius"})
    shop.edit_till(profile, first_name="Balthasarius")
    before = shop.state()
    third = run("customers", mode="full")
    assert (third.state, third.accounts["changes"]) == ("success", 0)
    assert shop.state() == before, "neither is written, and nobody is created"
    for record in (account, profile):
        where = naming(shop, tmp_path, record)
        assert where.isdisjoint({"mirror", "links", "holds", "staging", "runs", "inbox"})
    assert (len(shop.accounts_online()), len(shop.profiles())) == people
    assert len(shop.links()) == 2, "the others stay linked"
    assert leaks(kept(shop, tmp_path, [first, second, forgotten, third], logged, capfd)) == []


def test_an_address_among_the_keys_is_refused_and_not_repeated(
    run: Run, shop: Peopled, tmp_path: Path, logged: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    settle_in(shop)
    shop.world.forget_requests()
    refused = run("customers", keys=[ADDRESS])
    erased = run("forget", keys=[ADDRESS])
    assert (refused.state, erased.state) == ("failed", "failed")
    problem = refused.xcom[("audit", "problem")]
    assert (
        "One of the keys is an e-mail address" in problem
        and "retail_sync.pipeline.cli.find_customer" in problem
    )
    assert [one for system in shop.world.faults for one in shop.world.requests(system)] == []
    assert leaks(kept(shop, tmp_path, [refused, erased], logged, capfd)) == []


def test_the_search_finds_what_is_not_hidden(
    run: Run,
    shop: Peopled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture,
) -> None:
    """With nothing hashed, the same search must find every value, in the ledger and in what is staged."""
    from tests.support.settings_files import dump_settings
    from tests.support.worlds import with_section

    dump_settings(with_section(shop.settings, "customers", hash=[]), tmp_path / "open.yaml")
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "open.yaml"))
    settle_in(shop)
    look = run("customers", mode="full", dry_run=True)
    assert look.state == "success"
    found = kept(shop, tmp_path, [look], logged, capfd)
    for where in ("mirror", "staging"):
        assert {value for _, value in leaks({where: found[where]})} == set(PLANTED)


def kept(
    shop: Peopled,
    folder: Path,
    runs: list[Finished],
    logged: pytest.LogCaptureFixture,
    printed: pytest.CaptureFixture[str],
) -> dict[str, str]:
    """All that these runs left, by where: the ledger's tables, staging, XCom, and whatever was logged or printed."""
    out, err = printed.readouterr()
    left = {name: "\n".join(rows) for name, rows in tables(shop).items()}
    left |= {"staging": "\n".join(staged(folder)), "printed": out + err}
    left |= {"XCom": "\n".join(one for each in runs for one in said_to_others(each))}
    left |= {"log": "\n".join(record.getMessage() for record in logged.records)}
    logs = airflow_home.HOME / "logs"
    files = [file for file in logs.rglob("*") if file.is_file()] if logs.exists() else []
    left |= {"log files": "\n".join(file.read_text(errors="replace") for file in files)}
    assert left["staging"] or not any(each.state == "success" for each in runs)
    assert left["XCom"] and left["log"]
    return left


def tables(shop: Peopled) -> dict[str, list[str]]:
    """Every row of every table of the ledger as text."""
    with transaction(shop.ledger.engine) as connection:
        names = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()
        return {
            name: list(connection.execute(text(f'SELECT one::text FROM "{name}" AS one')).scalars())
            for name in list(names)
        }


def exchanges(shop: Peopled, ran: Finished) -> list[ExchangeRow]:
    """What a run of customers exchanged."""
    found = kept_exchanges(shop.ledger, run_id=f"customers/{ran.run_id}")
    assert found
    return found


def staged(folder: Path) -> list[str]:
    """The content of all staged files."""
    found: list[str] = []
    for file in sorted((folder / "staging").rglob("*")):
        if file.suffix == ".gz":
            found.append(gzip.decompress(file.read_bytes()).decode())
        elif file.suffix == ".parquet":
            found.append(pd.read_parquet(file).to_csv())
    return found


def naming(shop: Peopled, folder: Path, record: str) -> set[str]:
    """Where an id stands."""
    found = {name for name, rows in tables(shop).items() if any(record in row for row in rows)}
    return found | ({"staging"} if any(record in one for one in staged(folder)) else set())


def leaks(found: dict[str, str]) -> list[tuple[str, str]]:
    """Where a planted value stands, in any capitals and however a number is spelt."""
    out: list[tuple[str, str]] = []
    for where, content in found.items():
        folded = content.casefold()
        bare = "".join(sign for sign in folded if sign not in " ()/-+")
        out += [(where, value) for value in PLANTED if value in folded or (value.isdigit() and value in bare)]
    return out
