"""Where a commercetools project is and how to get in: validated before a secret is sent anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationInfo, field_validator, model_validator

from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.hosts import check_base_url, check_name

SYSTEM = "commercetools"
HOSTS = (r"(?:api|auth)\.[a-z]+-[a-z]+-?[0-9]+\.(?:gcp|aws|azure)\.commercetools\.com",)
"""Host names of the regions, and of regions yet to come: the form is the vendor's, the domain is its own."""
DEFAULT_API_URL = "https://api.europe-west1.gcp.commercetools.com"


class CommercetoolsConnection(BaseModel):
    """One project. `scopes` empty = whatever the API client has. Raises ConfigurationFault for what can't be right.

    Near real time only: `event_secret` is what the secret part of the receiver's addresses is made from; the others are
    what commercetools gets in with where its subscription delivers to: the access key of an Event Grid topic, or the
    key and its secret for an SQS queue.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_url: str = DEFAULT_API_URL
    auth_url: str = ""
    project_key: str
    client_id: str
    client_secret: SecretStr
    scopes: tuple[str, ...] = ()
    event_secret: SecretStr | None = None
    event_grid_key: SecretStr | None = None
    queue_access_key: SecretStr | None = None
    queue_access_secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _auth_follows_api(cls, values: Any) -> Any:
        """The auth host of a region is its api host with another first label."""
        if isinstance(values, Mapping) and not values.get("auth_url"):
            api = str(values.get("api_url") or DEFAULT_API_URL)
            return {**values, "auth_url": api.replace("://api.", "://auth.", 1)}
        return values

    @field_validator("api_url", "auth_url")
    @classmethod
    def _host_is_theirs(cls, value: str, info: ValidationInfo) -> str:
        setting = "host (API URL)" if info.field_name == "api_url" else "auth_url"
        return check_base_url(value, system=SYSTEM, setting=setting, allowed=HOSTS)

    @field_validator("project_key")
    @classmethod
    def _project_key_is_a_name(cls, value: str) -> str:
        return check_name(value, system=SYSTEM, setting="project_key")

    @field_validator("client_id")
    @classmethod
    def _client_is_named(cls, value: str) -> str:
        return value if value.strip() else _empty("login (client id)")

    @field_validator("client_secret")
    @classmethod
    def _secret_is_there(cls, value: SecretStr) -> SecretStr:
        return value if value.get_secret_value().strip() else _empty("password (client secret)")

    @field_validator(
        "event_secret", "event_grid_key", "queue_access_key", "queue_access_secret", mode="after"
    )
    @classmethod
    def _empty_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        """An empty field of the form is no secret: one made from nothing could be made by anybody."""
        text = value.get_secret_value().strip() if value is not None else ""
        return SecretStr(text) if text else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret the connection holds, for those who keep them out of sight."""
        held = (
            self.client_secret,
            self.event_secret,
            self.event_grid_key,
            self.queue_access_key,
            self.queue_access_secret,
        )
        return tuple(secret.get_secret_value() for secret in held if secret is not None)

    @property
    def scope_list(self) -> tuple[str, ...]:
        """Scopes as the token request wants them: each with the project key."""
        return tuple(scope if ":" in scope else f"{scope}:{self.project_key}" for scope in self.scopes)

    @classmethod
    def from_airflow_fields(
        cls,
        host: str | None,
        login: str | None,
        password: str | None,
        schema: str | None,
        extra: Mapping[str, Any],
    ) -> CommercetoolsConnection:
        """From the fields of an Airflow connection: host = API URL, login / password = client id / secret; extra holds
        `project_key` (or the schema does), `auth_url`, `scopes` and the secrets of near real time. Raises
        ConfigurationFault naming the bad field."""
        scopes = extra.get("scopes") or ()
        return cls(
            api_url=_with_scheme(host) or DEFAULT_API_URL,
            auth_url=_with_scheme(extra.get("auth_url")),
            project_key=str(extra.get("project_key") or schema or "").strip(),
            client_id=(login or "").strip(),
            client_secret=SecretStr((password or "").strip()),
            scopes=tuple(scopes.replace(",", " ").split()) if isinstance(scopes, str) else tuple(scopes),
            **{name: SecretStr(str(extra[name])) for name in _REALTIME_SECRETS if extra.get(name)},
        )


_REALTIME_SECRETS = ("event_secret", "event_grid_key", "queue_access_key", "queue_access_secret")


def _with_scheme(address: object) -> str:
    text = str(address or "").strip()
    return f"https://{text}" if text and "://" not in text else text


def _empty(setting: str) -> Any:
    raise ConfigurationFault(
        f"{setting} is empty.",
        system=SYSTEM,
        remedy="Fill it in in the Airflow connection of type commercetools, then press Test or run preflight.",
    )
