"""The tables come from migrations alone, and nobody works on tables of another version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url, text

from retail_sync.ledger import Ledger, upgrade
from retail_sync.ledger.engine import connect
from retail_sync.ledger.migrate import VERSION_TABLE
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable


def test_an_upgrade_of_a_current_database_changes_nothing(
    ledger: Ledger, ledger_url: str, run_id: str
) -> None:
    upgrade(ledger_url)
    assert ledger.runs.get(run_id).state == "running"


def test_workers_that_upgrade_at_once_do_not_disturb_each_other(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty_database_url] * 4))
    Ledger.open(empty_database_url).close()


def test_a_database_without_tables_is_refused_with_the_command_that_makes_them(
    empty_database_url: str,
) -> None:
    with pytest.raises(ConfigurationFault, match="python -m retail_sync.ledger"):
        Ledger.open(empty_database_url)


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("0008", "version 0008, from before the first release.*Make an empty database"),
        ("9999", "version 9999, which this package does not know.*newer package"),
    ],
)
def test_a_ledger_this_package_has_no_way_from_is_refused(
    ledger: Ledger, ledger_url: str, version: str, says: str
) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :version"), {"version": version})
    for reach in (Ledger.open, upgrade):
        with pytest.raises(ConfigurationFault, match=says):
            reach(ledger_url)


@pytest.mark.parametrize("url", ["sqlite:///ledger.db", "mysql://root@localhost/x", "not a url"])
def test_anything_but_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationFault, match="RETAIL_SYNC_LEDGER"):
        Ledger.open(url)


def test_a_missing_address_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETAIL_SYNC_LEDGER", raising=False)
    with pytest.raises(ConfigurationFault, match="RETAIL_SYNC_LEDGER is not set"):
        Ledger.open()


def test_a_server_that_does_not_answer_is_tried_again_and_named_without_the_password() -> None:
    with pytest.raises(SystemUnavailable, match=r"127\.0\.0\.1:1/") as caught:
        Ledger.open("postgresql://someone:hush-hush@127.0.0.1:1/none")
    assert "hush-hush" not in str(caught.value)


def test_a_server_that_does_not_let_us_in_is_a_fault_of_the_configuration(ledger_url: str) -> None:
    with pytest.raises(ConfigurationFault, match="does not exist"):
        Ledger.open(make_url(ledger_url).set(database="nowhere").render_as_string(hide_password=False))


def test_addresses_as_hosting_services_write_them_work(empty_database_url: str) -> None:
    for scheme in ("postgres", "postgresql"):
        url = empty_database_url.replace("postgresql+psycopg", scheme)
        upgrade(url)
        Ledger.open(url).close()


def test_times_come_back_in_utc_whatever_the_server_prefers(ledger: Ledger, run_id: str) -> None:
    assert ledger.runs.get(run_id).started_at.utcoffset() is not None
    engine = connect(ledger.engine.url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
    engine.dispose()
