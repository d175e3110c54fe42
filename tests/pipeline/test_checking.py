"""What preflight finds before any run needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_sync.pipeline.tasks import preflight as checking
from tests.support.builders.customers import Peopled, peopled
from tests.support.runs import KEY
from tests.support.settings_files import dump_settings

pytestmark = pytest.mark.airflow

OTHER_KEY = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q="


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peopled]:
    with peopled(ledger_url, tmp_path / "staging") as made:
        dump_settings(made.settings, tmp_path / "sync.yaml")
        for name, value in (
            ("RETAIL_SYNC_LEDGER", ledger_url),
            ("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml")),
            ("RETAIL_SYNC_STAGING", str(tmp_path / "staged")),
            ("RETAIL_SYNC_SECRET_KEY", KEY),
        ):
            monkeypatch.setenv(name, value)
        yield made


def found(subject: str) -> dict[str, str]:
    (one,) = [finding for finding in checking.check_house() if finding["subject"] == subject]
    return one


@pytest.mark.parametrize("key", ["nonsense", OTHER_KEY])
def test_a_key_that_opens_no_secret_is_an_error_before_any_customer_is_read(
    shop: Peopled, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    assert found("sealing key")["level"] == "ok"
    monkeypatch.setenv("RETAIL_SYNC_SECRET_KEY", key)
    wrong = found("sealing key")
    assert wrong["level"] == "error"
    assert "AIRFLOW__CORE__FERNET_KEY" in wrong["remedy"]
    assert key not in str(wrong)
