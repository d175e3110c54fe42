"""A connector that only maps is made without a way to its system: no token, no token store, no request."""

from __future__ import annotations

import pytest

from retail_sync.commercetools import connector as commercetools
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.lightspeed.connection import LightspeedConnection, from_airflow_fields
from retail_sync.lightspeed.series import series_of
from retail_sync.records.ports.connector import Connector
from retail_sync.settings.models import SyncSettings

SETTINGS = SyncSettings.model_validate({"locations": [{"name": "Berlin", "outlet": "Berlin"}]})
TILLS = {
    "personal token": from_airflow_fields("acme", None, "token", {}),
    "OAuth with rotating refresh tokens": from_airflow_fields("acme", "id", "secret", {"refresh_token": "r"}),
}


def online() -> Connector:
    connection = CommercetoolsConnection(
        project_key="shop",
        client_id="id",
        client_secret="secret",
        api_url="https://api.europe-west1.gcp.commercetools.com",
        auth_url="https://auth.europe-west1.gcp.commercetools.com",
    )
    return commercetools.closed_connector(connection, SETTINGS)


def till(connection: LightspeedConnection) -> Connector:
    return series_of(connection).closed_connector(connection, SETTINGS)


@pytest.mark.parametrize("way_in", TILLS)
def test_a_till_is_mapped_without_tokens_whatever_its_connection_signs_in_with(way_in: str) -> None:
    products = till(TILLS[way_in]).products
    assert products is not None and products.capabilities.max_options == 3


def test_a_project_is_mapped_without_a_token() -> None:
    assert online().products is not None
