"""What Airflow is told about this package: two connection types with their forms, and the hooks behind their Test
buttons.

Found by Airflow through the entry point `apache_airflow_provider` of the installed project. This room knows which
fields the adapters' connections have; it must not know the engine or the ledger.
"""

from __future__ import annotations

from typing import Any

from retail_sync import __version__
from retail_sync.lightspeed.versions import DEFAULT_API_VERSION, DEFAULT_SERIES, SERIES_TITLES


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, as Airflow wants it. Imports next to nothing: Airflow calls it everywhere."""
    return {
        "package-name": "retail-sync",
        "name": "Retail sync",
        "description": "commercetools and Lightspeed Retail",
        "versions": [__version__],
        "connection-types": [_COMMERCETOOLS, _LIGHTSPEED],
    }


def _text(label: str, *, default: str | None = None, secret: bool = False, about: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if default is not None:
        schema["default"] = default
    if secret:
        schema["format"] = "password"
    return {"label": label, "schema": schema, "description": about}


_COMMERCETOOLS: dict[str, Any] = {
    "connection-type": "commercetools",
    "hook-class-name": "retail_sync.provider.hooks.CommercetoolsHook",
    "hook-name": "commercetools",
    "ui-field-behaviour": {
        "hidden-fields": ["port", "schema"],
        "relabeling": {"host": "API URL", "login": "Client ID", "password": "Client secret"},
        "placeholders": {
            "host": "https://api.europe-west1.gcp.commercetools.com",
            "login": "of the API client made for this sync",
            "project_key": "my-project",
            "scopes": "empty = all scopes the API client has",
        },
    },
    "conn-fields": {
        "project_key": _text("Project key", about="Key of the project, as in the Merchant Center's address."),
        "auth_url": _text(
            "Auth URL",
            about="Empty = the auth host of the API URL's region, which is right but for other hosts.",
        ),
        "scopes": _text(
            "Scopes",
            about="With blanks between, with or without the project key. Empty = all the client has.",
        ),
        "event_secret": _text(
            "Event secret",
            secret=True,
            about="Near real time through Event Grid, or through Pub/Sub without an audience: the secret that the "
            "addresses of the receiver are made from. Any long random text.",
        ),
        "event_grid_key": _text(
            "Event Grid key",
            secret=True,
            about="Near real time through Event Grid: an access key of the topic.",
        ),
        "queue_access_key": _text(
            "Queue access key",
            secret=True,
            about="Near real time through SQS with authentication Credentials: the AWS access key that sends.",
        ),
        "queue_access_secret": _text(
            "Queue access secret",
            secret=True,
            about="Near real time through SQS with authentication Credentials: the secret of that key.",
        ),
    },
}

_LIGHTSPEED: dict[str, Any] = {
    "connection-type": "lightspeed",
    "hook-class-name": "retail_sync.provider.hooks.LightspeedHook",
    "hook-name": "Lightspeed Retail",
    "ui-field-behaviour": {
        "hidden-fields": ["port", "schema"],
        "relabeling": {
            "host": "Store URL",
            "login": "OAuth client ID",
            "password": "Personal token, or OAuth client secret",
        },
        "placeholders": {
            "host": "https://my-store.retail.lightspeed.app",
            "login": "empty with a personal token",
            "api_version": DEFAULT_API_VERSION,
        },
    },
    "conn-fields": {
        "series": {
            "label": "Series",
            "schema": {"type": "string", "enum": [*SERIES_TITLES], "default": DEFAULT_SERIES},
            "description": ", ".join(f"{series} = {title}" for series, title in SERIES_TITLES.items()) + ".",
        },
        "api_version": _text(
            "API version", default=DEFAULT_API_VERSION, about="The date version of the API."
        ),
        "refresh_token": _text(
            "Refresh token",
            secret=True,
            about="OAuth only: the first one. Later ones are kept in the ledger, because each can be used once.",
        ),
        "webhook_secret": _text(
            "Webhook secret",
            secret=True,
            about="OAuth: only where webhooks are signed with another secret than the client's. Personal token: any "
            "long random text; the secret part of the receiver's addresses is made from it.",
        ),
    },
}
