"""The token Google signs for each push: whether it is Google's, for us, and of the account that may push.

Source: Pub/Sub docs "Authentication for push subscriptions"; OpenID Connect Core, "ID Token Validation".
"""

from __future__ import annotations

from typing import Any

import jwt
from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKSetError, PyJWTError

from retail_sync.settings.models.realtime import PubSubDestination
from retail_sync.webhooks.answers import UNKNOWN_SENDER, ComeAgain, Refused
from retail_sync.webhooks.workers import Workers

ALGORITHM = "RS256"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
SCHEME = "bearer "
LONGEST_TOKEN = 8192
LEEWAY_SECONDS = 30
FETCH_SECONDS = 3.0
KEYS_SECONDS = 3600.0
"""How long Google's keys are believed: it announces new ones a day ahead."""
UNKNOWN_KEY_SECONDS = 30.0
"""A token may name a key we have not seen; that is a reason to ask Google no more often than this."""


class GoogleTokens:
    def __init__(self) -> None:
        self._clients: dict[str, PyJWKClient] = {}
        self._workers = Workers(threads=2, most=64, seconds=4.0, what="keys of Google")

    async def check(self, header: str | None, wanted: PubSubDestination) -> None:
        """Raises Refused for a token that is not right, and ComeAgain where Google's keys can't be had."""
        if not wanted.service_account:
            raise Refused(UNKNOWN_SENDER, "no service account is configured (service_account)")
        token = _token_in(header)
        # What claims to be somebody else's is not worth the look at its signature, nor at Google's keys.
        _check_claims(_claims_without_proof(token), wanted)
        await self._workers.do(lambda: self._check_proof(token, wanted))

    def _check_proof(self, token: str, wanted: PubSubDestination) -> None:
        """Blocks while keys are fetched."""
        try:
            key = self._client(wanted.certificates_url).get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=wanted.audience,
                issuer=ISSUERS,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud"], "strict_aud": True},
            )
        except (PyJWKClientConnectionError, PyJWKSetError):
            raise ComeAgain("the keys of Google can't be had (certificates_url)") from None
        except PyJWTError:
            raise _wrong() from None
        _check_claims(claims, wanted)

    def _client(self, url: str) -> PyJWKClient:
        if url not in self._clients:
            self._clients[url] = PyJWKClient(
                url, lifespan=KEYS_SECONDS, timeout=FETCH_SECONDS, cooldown_duration=UNKNOWN_KEY_SECONDS
            )
        return self._clients[url]

    def close(self) -> None:
        self._workers.close()


def _token_in(header: str | None) -> str:
    text = header or ""
    if text[: len(SCHEME)].lower() != SCHEME or len(text) > LONGEST_TOKEN:
        raise Refused(UNKNOWN_SENDER, "a push has no token")
    return text[len(SCHEME) :].strip()


def _claims_without_proof(token: str) -> dict[str, Any]:
    try:
        if jwt.get_unverified_header(token).get("alg") != ALGORITHM:
            raise _wrong()
        return jwt.decode(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, RecursionError):
        raise _wrong() from None


def _check_claims(claims: dict[str, Any], wanted: PubSubDestination) -> None:
    right = (
        claims.get("iss") in ISSUERS
        and claims.get("aud") == wanted.audience
        and claims.get("email") == wanted.service_account
        and claims.get("email_verified") is True
    )
    if not right:
        raise Refused(UNKNOWN_SENDER, "the token of a push is for another audience or account")


def _wrong() -> Refused:
    return Refused(UNKNOWN_SENDER, "the token of a push is wrong")
