"""Webhooks of a till: what should be registered, what is, and what is done about it."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import jsonschema_rs
import pytest
import yaml

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.events.adapter import XSeriesWebhooks
from retail_sync.lightspeed.x_series.events.notifications import TOPICS
from retail_sync.records.errors import ConfigurationFault, UnknownOutcome
from retail_sync.records.ports.events import HookSystem, Registration
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.derived import address_secret
from sandbox.fault_rules import FaultRule
from tests.lightspeed.till import Till
from tests.sandbox.lightspeed.test_official_shapes import DESCRIPTIONS
from tests.transport.doubles import MemoryTokens

T = TypeVar("T")
DESCRIPTION = DESCRIPTIONS / "legacy-api-v2-0-beta.yml"
"""The one description that has webhooks."""
RECEIVER = "https://airflow.example.com/retail-sync/hooks"
BELOW = f"{RECEIVER}/lightspeed/main/"
SECRET = "a long random text"
ELSEWHERE = "https://ads.example.com/in/token-of-theirs?key=private"
SCOPES = "webhooks"
_names = itertools.count(1)


class Shop:
    """A till, and a way to speak to its webhooks with an application or a personal token."""

    def __init__(self, till: Till, connection: LightspeedConnection) -> None:
        self.till = till
        self.connection = connection
        self.tokens = MemoryTokens()

    def use(self, work: Callable[[XSeriesWebhooks], Awaitable[T]], config: SyncSettings | None = None) -> T:
        async def body() -> T:
            chosen = config or settings()
            options: dict[str, Any] = {
                "budget": Unlimited(),
                "sink": self.till.exchanges,
                "token_store": self.tokens,
                "backoff": 0.01,
            }
            async with XSeriesClient(self.connection, chosen, **options) as client:
                return await work(XSeriesWebhooks(client, chosen, self.connection))

        return asyncio.run(body())

    def found(self, config: SyncSettings | None = None) -> list[Registration]:
        return list(self.use(lambda hooks: hooks.registrations(), config))

    def checked(self, config: SyncSettings | None = None) -> list[CheckResult]:
        return self.use(lambda hooks: hooks.check(), config)

    def mended(self, config: SyncSettings | None = None) -> list[Registration]:
        """All that can be mended, mended; how each is afterwards."""

        async def work(hooks: HookSystem) -> list[Registration]:
            return [await hooks.mend(one) for one in await hooks.registrations() if one.action]

        return self.use(work, config)

    def put(self, type: str, url: str, active: bool = True) -> str:
        """A webhook somebody registered before."""

        async def work(hooks: XSeriesWebhooks) -> str:
            body = {"type": type, "url": url, "active": active}
            return str((await hooks._client.post("/webhooks", body)).value["data"]["id"])

        return self.use(work)

    def there(self) -> set[tuple[str, str, bool]]:
        return {
            (row.fields["type"], row.fields["url"], row.fields["active"])
            for row in self.till.store.webhooks.live()
        }

    def writes(self) -> list[str]:
        return [e.method for e in self.till.exchanges.kept if "/webhooks" in e.url and e.method != "GET"]


def settings(**realtime: Any) -> SyncSettings:
    return SyncSettings.model_validate(
        {
            "locations": [{"name": "Berlin", "outlet": "Berlin", "channel": "berlin"}],
            "realtime": {"receiver_url": RECEIVER, **realtime},
        }
    )


UNSIGNED: dict[str, Any] = {"lightspeed": {"allow_unsigned": True}}


@pytest.fixture
def app(till: Till) -> Shop:
    """With an OAuth application."""
    name = f"app-{next(_names)}"
    first = till.store.tokens.add_application(name, "client-secret", SCOPES)
    return Shop(
        till,
        LightspeedConnection(
            store_url=till.url, client_id=name, client_secret="client-secret", refresh_token=first
        ),
    )


@pytest.fixture
def personal(till: Till) -> Shop:
    """With a personal token and a secret for the addresses."""
    return Shop(
        till,
        LightspeedConnection(store_url=till.url, personal_token=till.token, webhook_secret=SECRET),
    )


def topics_of(config: SyncSettings) -> set[str]:
    return {topic for topic, entities in TOPICS.items() if set(entities) & set(config.followed_entities)}


def states(found: Sequence[Registration]) -> set[tuple[str, str, str | None]]:
    return {(one.name, one.state, one.action) for one in found}


# ---------------------------------------------------------------- what should be there


def test_an_application_gets_one_webhook_for_each_topic_that_a_followed_entity_needs(app: Shop) -> None:
    config = settings()
    wanted = topics_of(config)
    assert "inventory.update" in wanted and "customer.update" not in wanted
    assert states(app.found(config)) == {(topic, "missing", "create") for topic in wanted}
    assert {one.state for one in app.mended(config)} == {"right"}
    assert app.there() == {(topic, BELOW + topic, True) for topic in wanted}


def test_only_what_entities_that_follow_at_once_need_is_registered(app: Shop) -> None:
    assert {one.name for one in app.found(settings(entities=["products"]))} == {"product.update"}


def test_a_second_time_changes_nothing(app: Shop) -> None:
    app.mended()
    before = app.there()
    app.till.exchanges.kept.clear()
    assert app.mended() == [] and {one.state for one in app.found()} == {"right"}
    assert app.there() == before and app.writes() == []


def test_a_personal_token_registers_addresses_with_a_secret_of_their_own_each(personal: Shop) -> None:
    config = settings(**UNSIGNED)
    personal.mended(config)
    assert personal.there() == {
        (topic, f"{BELOW}{topic}/{address_secret(SECRET, f'lightspeed/main/{topic}')}", True)
        for topic in topics_of(config)
    }
    assert {one.state for one in personal.found(config)} == {"right"}


def test_a_personal_token_that_may_not_be_unsigned_registers_nothing_and_says_the_way_out(till: Till) -> None:
    bare = Shop(till, LightspeedConnection(store_url=till.url, personal_token=till.token))
    (only,) = bare.found()
    assert (only.state, only.action) == ("refused", None)
    assert "allow_unsigned" in only.remedy and "webhook_secret" in only.remedy
    (line,) = bare.checked()
    assert (line.level, line.remedy) == ("error", only.remedy)
    (half,) = bare.found(settings(**UNSIGNED))
    assert half.state == "refused" and "allow_unsigned" not in half.remedy
    assert bare.use(lambda hooks: hooks.mend(half), settings(**UNSIGNED)) == half
    assert bare.there() == set()


# ---------------------------------------------------------------- what is there


def test_a_webhook_that_is_switched_off_is_switched_on_again(app: Shop) -> None:
    app.mended()
    row = next(row for row in app.till.store.webhooks.live() if row.fields["type"] == "sale.update")
    row.fields["active"] = False
    inactive = next(one for one in app.found() if one.name == "sale.update")
    assert (inactive.state, inactive.action, inactive.id) == ("inactive", "update", row.id)
    assert [one.level for one in app.checked()].count("warning") == 1
    assert [(one.id, one.state) for one in app.mended()] == [(row.id, "right")]
    assert ("sale.update", BELOW + "sale.update", True) in app.there()


def test_another_secret_is_another_address_and_the_webhook_is_moved_not_doubled(personal: Shop) -> None:
    config = settings(**UNSIGNED)
    personal.mended(config)
    before = {row.id for row in personal.till.store.webhooks.live()}
    renewed = Shop(
        personal.till,
        LightspeedConnection(
            store_url=personal.till.url, personal_token=personal.till.token, webhook_secret="another"
        ),
    )
    assert {one.state for one in renewed.found(config)} == {"different"}
    assert {one.state for one in renewed.mended(config)} == {"right"}
    assert {row.id for row in renewed.till.store.webhooks.live()} == before
    assert renewed.there() == {
        (topic, f"{BELOW}{topic}/{address_secret('another', f'lightspeed/main/{topic}')}", True)
        for topic in topics_of(config)
    }


def test_ours_at_the_address_of_another_topic_is_moved(app: Shop) -> None:
    app.put("sale.update", BELOW + "product.update")
    assert ("sale.update", "different", "update") in states(app.found())
    app.mended()
    assert app.there() == {(topic, BELOW + topic, True) for topic in topics_of(settings())}


@pytest.mark.parametrize("off", [{"lightspeed": {"enabled": False}}, {"entities": []}])
def test_what_is_ours_and_not_wanted_any_more_is_deleted(app: Shop, off: dict[str, Any]) -> None:
    app.mended()
    app.put("sale.update", ELSEWHERE)
    assert {(one.state, one.action) for one in app.found(settings(**off))} == {
        ("superfluous", "delete"),
        ("foreign", None),
    }
    assert {one.state for one in app.mended(settings(**off))} == {"right"}
    assert app.there() == {("sale.update", ELSEWHERE, True)}


def test_a_second_one_of_ours_is_deleted_and_the_right_one_stays(app: Shop) -> None:
    app.put("sale.update", BELOW + "sale.update/of-old")
    right = app.put("sale.update", BELOW + "sale.update")
    found = [one for one in app.found() if one.name == "sale.update"]
    assert [(one.state, one.id == right) for one in found] == [("right", True), ("superfluous", False)]
    app.mended()
    assert [row.id for row in app.till.store.webhooks.live() if row.fields["type"] == "sale.update"] == [
        right
    ]


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        f"{RECEIVER}/lightspeed/other-shop/sale.update",
        f"{RECEIVER}/lightspeed/main-2/sale.update",
        "https://airflow.example.com.evil.example/retail-sync/hooks/lightspeed/main/sale.update",
        "http://[broken/lightspeed/main/sale.update",
    ],
)
def test_what_is_not_ours_is_told_of_and_never_touched(app: Shop, url: str) -> None:
    their = app.put("sale.update", url)
    foreign = next(one for one in app.found() if one.id == their)
    assert (foreign.state, foreign.action) == ("foreign", None)
    app.mended()
    # Not even where somebody says so.
    claimed = Registration("sale.update", BELOW, "superfluous", "", id=their, action="delete")
    assert app.use(lambda hooks: hooks.mend(claimed)).state == "foreign"
    assert ("sale.update", url, True) in app.there()


# ---------------------------------------------------------------- nothing said that must not be


def test_no_secret_part_of_an_address_is_in_findings_logs_or_exchanges(
    personal: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = settings(**UNSIGNED)
    old = "of-old-0123456789"
    personal.put("sale.update", f"{BELOW}sale.update/{old}")
    personal.put("customer.update", f"{BELOW}{old}")
    personal.put("product.update", ELSEWHERE)
    personal.till.exchanges.kept.clear()
    shown = [*personal.found(config), *personal.mended(config), *personal.checked(config)]
    secrets = [address_secret(SECRET, f"lightspeed/main/{topic}") for topic in TOPICS]
    text = repr(shown) + repr(personal.till.exchanges.kept) + caplog.text
    assert personal.writes()
    assert not any(secret in text for secret in [*secrets, SECRET, old, "token-of-theirs", "key=private"])
    assert "https://ads.example.com/***" in text


def test_words_of_a_refusal_are_told_without_the_secret(personal: Shop) -> None:
    config = settings(**UNSIGNED)
    secret = address_secret(SECRET, "lightspeed/main/sale.update")
    body = {"error": f"url {BELOW}sale.update/{secret} is not accepted"}
    personal.till.faults.add(
        FaultRule(method="POST", match="/webhooks", kind="status", status=422, body=body)
    )
    refused = next(
        one
        for one in personal.use(lambda hooks: _mend_all(hooks, "sale.update"), config)
        if one.name == "sale.update"
    )
    assert (refused.state, refused.action) == ("refused", None)
    assert "is not accepted" in refused.finding and secret not in repr(refused)
    assert refused.remedy


async def _mend_all(hooks: HookSystem, name: str) -> list[Registration]:
    return [await hooks.mend(one) for one in await hooks.registrations() if one.name == name]


# ---------------------------------------------------------------- twice, at once, and without an answer


def test_one_that_somebody_else_made_meanwhile_is_not_made_twice(app: Shop) -> None:
    """Seen as missing by two; the second one's request is a 409 or not sent at all."""
    missing = next(one for one in app.found() if one.name == "sale.update")
    first, second = (app.use(lambda hooks: hooks.mend(missing)) for _ in range(2))
    assert (first.state, second) == ("right", first)
    assert len([row for row in app.there() if row[0] == "sale.update"]) == 1


def test_a_conflict_is_looked_up(app: Shop) -> None:
    """The list was older than what is there: as if another worker had registered it right after."""
    app.put("sale.update", BELOW + "sale.update")
    missing = Registration("sale.update", BELOW, "missing", "", action="create")
    app.till.faults.add(
        FaultRule(method="GET", match="/webhooks", kind="status", status=200, body={"data": []})
    )
    app.till.exchanges.kept.clear()
    assert app.use(lambda hooks: hooks.mend(missing)).state == "right"
    assert app.writes() == ["POST"] and len(app.there()) == 1


def test_an_answer_that_got_lost_is_looked_up_and_not_sent_again(app: Shop) -> None:
    app.till.faults.add(FaultRule(method="POST", match="/webhooks", kind="timeout_after"))
    one = app.use(lambda hooks: _mend_all(hooks, "sale.update"))[0]
    assert one.state == "right" and len(app.there()) == 1


def test_a_request_that_was_lost_is_an_unknown_outcome(app: Shop) -> None:
    app.till.faults.add(FaultRule(method="POST", match="/webhooks", kind="timeout_before"))
    with pytest.raises(UnknownOutcome):
        app.use(lambda hooks: _mend_all(hooks, "sale.update"))
    assert app.there() == set()


def test_one_that_is_gone_already_is_deleted(app: Shop) -> None:
    row = app.put("customer.update", BELOW + "customer.update")
    old = next(one for one in app.found() if one.id == row)
    assert app.use(lambda hooks: hooks.mend(old)).state == "right"
    again = app.use(lambda hooks: hooks.mend(old))
    assert (again.state, again.id, again.action) == ("right", None, None)


# ---------------------------------------------------------------- preflight


def test_where_nothing_receives_nothing_is_asked_and_polling_is_said(app: Shop) -> None:
    (line,) = app.checked(settings(receiver_url=None))
    assert line.level == "ok" and "schedules alone" in line.finding
    assert app.found(settings(receiver_url=None)) == []
    assert not any("/webhooks" in e.url for e in app.till.exchanges.kept)


def test_what_is_missing_is_a_warning_and_what_is_right_is_said(app: Shop) -> None:
    assert {line.level for line in app.checked()} == {"warning"}
    assert all("subscribe" in line.remedy for line in app.checked())
    app.mended()
    assert {line.level for line in app.checked()} == {"ok"}


def test_a_missing_scope_is_an_error_only_where_webhooks_are_wanted(till: Till) -> None:
    first = till.store.tokens.add_application("scopeless", "client-secret", "products:read")
    bare = Shop(
        till,
        LightspeedConnection(
            store_url=till.url, client_id="scopeless", client_secret="client-secret", refresh_token=first
        ),
    )
    (line,) = bare.checked()
    assert line.level == "error" and "scope webhooks" in line.remedy
    with pytest.raises(ConfigurationFault):
        bare.found()
    off = settings(entities=[])
    assert [line.level for line in bare.checked(off)] == ["ok"]


# ---------------------------------------------------------------- against the official description


@pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the official API description is not beside the checkout"
)
def test_what_is_sent_is_what_the_description_asks_for(app: Shop) -> None:
    app.put("sale.update", BELOW + "sale.update/of-old")
    app.mended()
    sent = [
        json.loads(r.body)
        for r in app.till.faults.requests
        if r.method in ("POST", "PUT") and "/webhooks" in r.path
    ]
    assert len(sent) == 1 + len(topics_of(settings()))
    described = yaml.load(DESCRIPTION.read_text(), Loader=yaml.CSafeLoader)
    webhook = jsonschema_rs.validator_for({"$ref": "#/components/schemas/WebhookRequest", **described})
    for body in sent:
        assert [error.message for error in webhook.iter_errors(body)] == []
        assert body.keys() == {"type", "url", "active"}
