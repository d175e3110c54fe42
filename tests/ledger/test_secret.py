"""The key of the ledger's digests: made once, the same for all, and nowhere in clear."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.secret import kept_secret
from retail_sync.records.errors import ConfigurationFault

KEY = Fernet.generate_key().decode()


def stored(ledger: Ledger) -> list[str]:
    with transaction(ledger.engine) as connection:
        return list(connection.execute(text("SELECT one::text FROM tokens AS one")).scalars())


def test_the_first_caller_makes_it_and_everybody_gets_the_same(ledger: Ledger, ledger_url: str) -> None:
    made = ledger.secret(KEY, "customers")
    assert len(made) == 32 and len(set(made)) > 1
    assert ledger.secret(KEY, "customers") == made
    with Ledger.open(ledger_url) as another:
        assert another.secret(KEY, "customers") == made
    assert len(stored(ledger)) == 1


def test_every_name_has_a_secret_of_its_own(ledger: Ledger) -> None:
    assert ledger.secret(KEY, "customers") != ledger.secret(KEY, "another")


def test_two_ledgers_share_no_secret(ledger: Ledger, empty_database_url: str) -> None:
    from retail_sync.ledger.migrate import upgrade

    upgrade(empty_database_url)
    with Ledger.open(empty_database_url) as another:
        assert another.secret(KEY, "customers") != ledger.secret(KEY, "customers")


def test_callers_at_once_agree_on_one(ledger: Ledger) -> None:
    for attempt in range(10):
        together = threading.Barrier(2)

        def call(name: str, together: threading.Barrier = together) -> bytes:
            together.wait(10)
            return kept_secret(ledger.engine, KEY, name)

        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(call, [f"secret {attempt}"] * 2)
        assert one == other == ledger.secret(KEY, f"secret {attempt}")


def test_a_rotated_key_opens_what_the_old_one_sealed(ledger: Ledger) -> None:
    made = ledger.secret(KEY, "customers")
    newer = Fernet.generate_key().decode()
    assert ledger.secret(f"{newer},{KEY}", "customers") == made
    assert ledger.secret(f"{newer}, {KEY}", "customers") == made, "a space behind the comma is no other key"


def test_under_a_foreign_key_no_other_secret_is_made_and_the_way_out_is_named(ledger: Ledger) -> None:
    made = ledger.secret(KEY, "customers")
    before = stored(ledger)
    with pytest.raises(ConfigurationFault, match="sealed with another key") as caught:
        ledger.secret(Fernet.generate_key().decode(), "customers")
    told = f"{caught.value.args} {caught.value.remedy}"
    assert "Give the old key too (new,old in AIRFLOW__CORE__FERNET_KEY)" in told
    assert "forget" in told
    assert stored(ledger) == before
    assert ledger.secret(KEY, "customers") == made


@pytest.mark.parametrize("key", ["", "short", f"{KEY},short"], ids=["none", "short", "one of two"])
def test_what_is_no_fernet_key_is_refused_and_not_repeated(ledger: Ledger, key: str) -> None:
    with pytest.raises(ConfigurationFault, match="not a Fernet key") as caught:
        ledger.secret(key, "customers")
    assert "AIRFLOW__CORE__FERNET_KEY" in str(caught.value.remedy)
    assert KEY not in str(caught.value) and "short" not in str(caught.value)
    assert stored(ledger) == []


def test_the_table_does_not_show_it(ledger: Ledger) -> None:
    made = ledger.secret(KEY, "customers")
    (row,) = stored(ledger)
    assert "customers" in row
    for shown in (made.hex(), base64.b64encode(made).decode(), base64.urlsafe_b64encode(made).decode()):
        assert shown.rstrip("=") not in row
