"""What only some configurations need is asked for where they need it."""

from __future__ import annotations

import sys

import pytest

from retail_sync.pipeline.runtime.extras import NEEDED_BY, missing_extras
from retail_sync.pipeline.tasks import preflight
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import Notify, SyncSettings
from retail_sync.settings.models.realtime import CommercetoolsSubscription, RealtimeSettings, SqsDestination

TELLS = SyncSettings(notify=Notify(http_conn_id="chat"))
LISTENS = SyncSettings(
    realtime=RealtimeSettings(
        commercetools=CommercetoolsSubscription(
            destination=SqsDestination(
                type="SQS", queue_url="https://sqs.eu-central-1.amazonaws.com/1/q", region="eu"
            )
        )
    )
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, module, _ in NEEDED_BY:
        monkeypatch.setitem(sys.modules, module, None)


def test_nothing_is_missing_where_all_extras_are_there_or_none_is_needed() -> None:
    assert missing_extras(TELLS) == missing_extras(LISTENS) == {}


@pytest.mark.usefixtures("bare")
def test_each_configuration_misses_what_it_needs() -> None:
    assert missing_extras(SyncSettings()) == {}
    assert missing_extras(TELLS) == {"notify": ["airflow.providers.http"]}
    assert missing_extras(LISTENS) == {"amazon": ["airflow.providers.amazon", "botocore"]}


@pytest.mark.usefixtures("bare")
def test_preflight_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "load_settings", lambda: TELLS)
    with pytest.raises(ConfigurationFault, match=r"needs airflow\.providers\.http.*retail-sync\[notify\]"):
        preflight._packages()
