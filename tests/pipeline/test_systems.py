"""Airflow's connections as the adapters' own, and what is said where they can't be."""

from __future__ import annotations

import json

import pytest

from retail_sync.pipeline.runtime.connectors import connection_of
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings

SETTINGS = SyncSettings()


def test_a_missing_connection_says_how_to_make_it() -> None:
    with pytest.raises(
        ConfigurationFault, match="(?s)no connection 'commercetools_default'.*AIRFLOW_CONN_COMM"
    ):
        connection_of("commercetools", SETTINGS)


def test_the_configuration_names_other_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_TILL_TWO",
        json.dumps({"conn_type": "lightspeed", "host": "shop-two", "password": "lsxs_pt_1", "extra": {}}),
    )
    found = connection_of(
        "lightspeed", SyncSettings.model_validate({"connections": {"lightspeed": "till_two"}})
    )
    assert found.host == "shop-two.retail.lightspeed.app"


def test_a_host_that_is_not_the_systems_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_COMMERCETOOLS_DEFAULT",
        json.dumps(
            {
                "conn_type": "commercetools",
                "host": "https://api.example.com",
                "login": "id",
                "password": "s3cret-s3cret",
                "extra": {"project_key": "demo"},
            }
        ),
    )
    with pytest.raises(ConfigurationFault) as caught:
        connection_of("commercetools", SETTINGS)
    assert "s3cret" not in str(caught.value)
