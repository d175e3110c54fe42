"""Pushes of Pub/Sub: known by Google's token where there is to be one, and by their address where not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from retail_sync.transport.derived import address_secret
from retail_sync.webhooks.ports import Kept
from sandbox.server import SandboxServer
from tests.webhooks.served import EVENTS, PUBSUB, Receiver, changed, pushed, settings_of

AUDIENCE, ACCOUNT = "https://shop.example.com/push", "pusher@shop.iam.gserviceaccount.com"
PATH = "/pubsub/main"
ADDRESS = f"{PATH}/{address_secret(EVENTS, 'pubsub/main')}"

KEY = rsa.generate_private_key(65537, 2048)


class Google:
    """Signs tokens, and publishes the keys that prove them."""

    def __init__(self) -> None:
        self.keys = {"k1": KEY}
        self.asked = 0
        self.answers = True
        self.server = SandboxServer(Starlette(routes=[Route("/certs", self._certs)]))

    async def _certs(self, _: Request) -> JSONResponse:
        self.asked += 1
        if not self.answers:
            return JSONResponse({}, status_code=500)
        keys = [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"}
            for name, key in self.keys.items()
        ]
        return JSONResponse({"keys": [{**key, "alg": "RS256"} for key in keys]})

    def public_pem(self) -> bytes:
        return (
            self.keys["k1"]
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )

    def token(self, key: Any = None, kid: str = "k1", **claims: Any) -> str:
        return jwt.encode(
            claims_of(**claims), key or self.keys["k1"], algorithm="RS256", headers={"kid": kid}
        )


def claims_of(**claims: Any) -> dict[str, Any]:
    """Right claims, but for those given; None leaves one out. `iat`, `exp`: seconds from now."""
    now = int(time.time())
    right = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": 0,
        "exp": 3600,
        "sub": "1",
    }
    told = {name: value for name, value in {**right, **claims}.items() if value is not None}
    return {name: now + value if name in ("iat", "exp") else value for name, value in told.items()}


@pytest.fixture
def google() -> Iterator[Google]:
    one = Google()
    with one.server:
        yield one


@pytest.fixture
def signing(receiver: Receiver, google: Google) -> Receiver:
    """A receiver that wants Google's tokens."""
    receiver.settings = settings_of(
        {
            **PUBSUB,
            "audience": AUDIENCE,
            "service_account": ACCOUNT,
            "certificates_url": f"{google.server.url}/certs",
        }
    )
    return receiver


def pushed_with(receiver: Receiver, token: str, version: int = 1) -> int:
    return receiver.push(changed(version), PATH, authorization=f"Bearer {token}").status_code


def test_a_push_that_google_signed_is_kept_and_its_keys_are_asked_for_once(
    signing: Receiver, google: Google
) -> None:
    assert pushed_with(signing, google.token()) == 202
    assert pushed_with(signing, google.token()) == 200, "known"
    assert pushed_with(signing, google.token(iss="accounts.google.com"), 2) == 202
    assert signing.rung == [frozenset({"inventory"})] * 2
    assert google.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -3600},
        {"exp": None},
        {"aud": "https://shop.example.com/other"},
        {"aud": [AUDIENCE, "https://shop.example.com/other"]},
        {"aud": None},
        {"email": "somebody@shop.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"iss": "https://accounts.example.com"},
        {"iss": None},
        {"iat": 3600},
    ],
    ids=str,
)
def test_a_token_for_something_else_is_refused(
    signing: Receiver, google: Google, claims: dict[str, Any]
) -> None:
    assert pushed_with(signing, google.token(**claims)) == 401
    assert signing.kept("inventory") == []


def test_a_token_that_google_did_not_sign_is_refused(signing: Receiver, google: Google) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    forged = [
        google.token(key=stranger),
        google.token(key=stranger, kid="k2"),
        jwt.encode(claims_of(), None, algorithm="none", headers={"kid": "k1"}),
        _hs256(google.public_pem()),
        google.token()[:-6] + "AAAAAA",
        "not.a.token",
        "x",
    ]
    assert [pushed_with(signing, token) for token in forged] == [401] * len(forged)
    assert signing.push(changed(1), PATH).status_code == 401
    assert signing.push(changed(1), PATH, authorization="Basic eDp4").status_code == 401
    assert pushed_with(signing, google.token()) == 202, "and the forgers are nobody else's trouble"


def test_tokens_with_unheard_of_keys_do_not_make_us_ask_google_each_time(
    signing: Receiver, google: Google
) -> None:
    assert pushed_with(signing, google.token()) == 202
    assert [pushed_with(signing, google.token(kid=f"new-{n}")) for n in range(20)] == [401] * 20
    assert google.asked <= 2


def test_without_googles_keys_a_push_is_put_off_and_taken_later(signing: Receiver, google: Google) -> None:
    google.answers = False
    answer = signing.push(changed(1), PATH, authorization=f"Bearer {google.token()}")
    assert answer.status_code == 503 and answer.headers["retry-after"]
    google.answers = True
    assert pushed_with(signing, google.token()) == 202


def test_where_tokens_are_wanted_an_address_is_not_enough(signing: Receiver, google: Google) -> None:
    assert signing.push(changed(1), ADDRESS).status_code == 401
    assert signing.push(changed(1), ADDRESS, authorization=f"Bearer {google.token()}").status_code == 401


def test_without_a_service_account_no_token_is_good_enough(signing: Receiver, google: Google) -> None:
    destination = signing.settings.realtime.commercetools.destination.model_dump()  # type: ignore[union-attr]
    signing.settings = settings_of({**destination, "service_account": None})
    assert pushed_with(signing, google.token(email=None)) == 401


def test_without_tokens_a_push_is_known_by_its_address(receiver: Receiver) -> None:
    receiver.settings = settings_of(PUBSUB)
    assert receiver.push(changed(1), PATH).status_code == 401
    assert receiver.push(changed(1), f"{PATH}/{'0' * 40}").status_code == 401
    of_the_other = address_secret(EVENTS, "eventgrid/main")
    assert receiver.push(changed(1), f"{PATH}/{of_the_other}").status_code == 401
    assert receiver.push(changed(1), ADDRESS).status_code == 202


def test_pushes_come_to_nobody_where_another_destination_is_configured(receiver: Receiver) -> None:
    assert receiver.push(changed(1), ADDRESS).status_code == 404
    receiver.settings = settings_of({"type": "SQS", "queue_url": "https://sqs.example.com/q", "region": "x"})
    assert receiver.push(changed(1), ADDRESS).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(changed(1, projectKey="another-shop")).encode(),
        json.dumps([changed(1)]).encode(),
        b"not JSON",
        b"",
        json.dumps(changed(-1)).encode(),
    ],
    ids=["another project", "array", "no JSON", "nothing", "no version"],
)
def test_a_message_that_sending_again_would_not_mend_is_thanked_for(receiver: Receiver, data: bytes) -> None:
    """Pub/Sub would send it for days, and hold up the others."""
    receiver.settings = settings_of(PUBSUB)
    assert receiver.post(ADDRESS, pushed(data)).status_code == 200
    assert receiver.kept("inventory") == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"message": 1}', b'{"message": {"data": 1}}', b"\xff", b"[" * 99_999],
)
def test_a_body_that_is_no_push_is_malformed(receiver: Receiver, body: bytes) -> None:
    receiver.settings = settings_of(PUBSUB)
    assert receiver.post(ADDRESS, body).status_code == 400


def test_what_is_kept_is_answered_as_kept_though_its_doorbell_rings_later(receiver: Receiver) -> None:
    """Windows of products end behind the clock of commercetools, so nobody is rung for yet."""
    receiver.settings = settings_of(PUBSUB)
    receiver.keep = lambda hints: Kept(frozenset({"products"}))  # type: ignore[method-assign]
    assert receiver.push(changed(1, resource="product")).status_code == 202
    assert receiver.rung == []


def test_nobody_looks_at_a_test_notification(receiver: Receiver) -> None:
    receiver.settings = settings_of(PUBSUB)
    test = {**changed(1, resource="subscription"), "notificationType": "ResourceCreated"}
    assert receiver.push(test).status_code == 200
    assert receiver.rung == []


def _hs256(key: bytes) -> str:
    """A token signed with Google's public key as if it were a secret. Libraries refuse to make one."""

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    header = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k1"}).encode())
    signed = header + b"." + part(json.dumps(claims_of()).encode())
    return (signed + b"." + part(hmac.digest(key, signed, hashlib.sha256))).decode()
