"""Where a Lightspeed store is and how to get in. Hosts are checked here, before any secret is sent anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from retail_sync.lightspeed.versions import (
    DEFAULT_API_VERSION,
    DEFAULT_SERIES,
    KNOWN_API_VERSIONS,
    SERIES_TITLES,
    Series,
)
from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.hosts import check_base_url

SYSTEM = "lightspeed"
STORE_HOST = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.retail\.lightspeed\.app"
"""`{domain_prefix}.retail.lightspeed.app`; `*.vendhq.com` is not served since 2025-03-31 (changelog)."""
DOMAIN_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class LightspeedConnection:
    """One store and the right to speak to it: a personal token, or an OAuth application with its refresh token.

    `store_url` is scheme and host without a path. `webhook_secret`: of an OAuth application, the secret that signs its
    webhooks where that is not `client_secret`; of a personal token, what the secret part of the receiver's addresses is
    made from. Secrets are kept out of `repr`.
    """

    store_url: str
    series: Series = DEFAULT_SERIES
    api_version: str = DEFAULT_API_VERSION
    personal_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "store_url", checked_store_url(self.store_url))
        if self.api_version not in KNOWN_API_VERSIONS:
            raise _fault(
                f"API version {self.api_version!r} is not supported: this release is written for "
                f"{', '.join(KNOWN_API_VERSIONS)}.",
                f"Set `api_version` to {DEFAULT_API_VERSION}.",
            )
        oauth = (self.client_id, self.client_secret, self.refresh_token)
        if self.personal_token and any(oauth):
            raise _fault(
                "The connection has both a personal token and OAuth credentials.",
                "Put the token in the password and leave login and refresh_token empty, or fill in all of "
                "login (client id), password (client secret) and refresh_token.",
            )
        if not self.personal_token and not all(oauth):
            raise _fault(
                "The connection has no complete credentials.",
                "Put a personal token in the password, or the OAuth client id in login, its secret in the password "
                "and the refresh token in the field refresh_token.",
            )

    @property
    def host(self) -> str:
        """The host name alone, as logs and checks show it."""
        return urlsplit(self.store_url).hostname or ""

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """The secrets a webhook may be signed with; none = no signature can be right."""
        return tuple(secret for secret in (self.webhook_secret, self.client_secret) if secret)

    @property
    def api_path(self) -> str:
        return f"/api/{self.api_version}"


def checked_store_url(given: str) -> str:
    """Scheme and host of a store. Takes a bare domain prefix, a host or a URL.

    Raises ConfigurationFault for any host that is not Lightspeed's, so that a typing error can't send a token
    to a stranger. This machine itself is allowed, over http too: nothing leaves it.
    """
    text = given.strip().rstrip("/")
    if DOMAIN_PREFIX.fullmatch(text.lower()) and text.lower() != "localhost":
        text = f"{text.lower()}.retail.lightspeed.app"
    url = text if not text or "://" in text else f"https://{text}"
    return check_base_url(url, system=SYSTEM, setting="the store URL (host)", allowed=[STORE_HOST], path="")


def from_airflow_fields(
    host: str | None, login: str | None, password: str | None, extra: Mapping[str, Any] | str | None
) -> LightspeedConnection:
    """The connection an Airflow connection of type `lightspeed` describes.

    With a login (or `client_id` in the extra) the password is the OAuth client secret, otherwise a personal token.
    Raises ConfigurationFault for anything that is missing or not understood.
    """
    more = _parsed(extra)
    text = {name: str(value).strip() for name, value in more.items() if value not in (None, "")}
    client_id = (login or "").strip() or text.get("client_id")
    secret = (password or "").strip() or None
    return LightspeedConnection(
        store_url=(host or "").strip() or text.get("store_url") or text.get("domain_prefix") or "",
        series=_series(text.get("series", DEFAULT_SERIES)),
        api_version=text.get("api_version", DEFAULT_API_VERSION),
        personal_token=None if client_id else secret or text.get("personal_token"),
        client_id=client_id,
        client_secret=(secret or text.get("client_secret")) if client_id else None,
        refresh_token=text.get("refresh_token"),
        webhook_secret=text.get("webhook_secret"),
    )


def _parsed(extra: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    if extra is None or extra == "":
        return {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            raise _fault("The connection's extra is not JSON.", "Correct it in Airflow.") from None
    if not isinstance(extra, Mapping):
        raise _fault("The connection's extra is not a JSON object.", "Correct it in Airflow.")
    return extra


def _series(text: str) -> Series:
    name = text.lower().removesuffix("-series")
    for series in SERIES_TITLES:
        if series == name:
            return series
    known = " or ".join(f"`{series}` ({title})" for series, title in SERIES_TITLES.items())
    raise _fault(f"Series {text!r} is not supported.", f"Set `series` to {known}.")


def _fault(message: str, remedy: str) -> ConfigurationFault:
    return ConfigurationFault(message, system=SYSTEM, remedy=f"{remedy} (connection type `lightspeed`)")
