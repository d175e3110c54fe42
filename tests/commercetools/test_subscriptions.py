"""The subscription of an online shop: what should be there, what is, and what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from retail_sync.commercetools.events.adapter import CommercetoolsSubscriptions
from retail_sync.commercetools.events.diff import told_without
from retail_sync.commercetools.events.notifications import RESOURCES
from retail_sync.records.errors import ConfigurationFault, UnknownOutcome
from retail_sync.records.ports.events import HookSystem, Registration
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools.destinations import PushEndpoints
from sandbox.fault_rules import FaultRule
from tests.commercetools.world import World

T = TypeVar("T")
Json = dict[str, Any]
KEY = "retail-sync"
TOPIC: Json = {"type": "GoogleCloudPubSub", "project_id": "shop-cloud", "topic": "changes"}
QUEUE: Json = {
    "type": "SQS",
    "queue_url": "http://127.0.0.1:9/123456789012/ct-sync",
    "region": "eu-central-1",
    "authentication": "Credentials",
}
GRID: Json = {"type": "EventGrid", "uri": "https://shop.westeurope-1.eventgrid.azure.net/api/events"}
SECRETS: Json = {
    "event_secret": SecretStr("event-secret-1234567"),
    "event_grid_key": SecretStr("grid-key-1234567"),
    "queue_access_key": SecretStr("AKIA-access-1234567"),
    "queue_access_secret": SecretStr("queue-secret-1234567"),
}


def settings(destination: Json | None = TOPIC, format: str = "Platform", **realtime: Any) -> SyncSettings:
    if destination is not None:
        realtime["commercetools"] = {"destination": destination, "format": format}
    return SyncSettings.model_validate(
        {
            "locations": [{"name": "Berlin", "outlet": "Berlin", "channel": "berlin"}],
            "limits": {"commercetools": {"retries": 1}},
            "realtime": {"receiver_url": "https://airflow.example.com/hooks", **realtime},
        }
    )


class Shop:
    """A project whose topics exist, behind a real server, and a way to speak to its subscriptions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.store
        self.store.deliveries.configure(hold=True)
        push = "http://127.0.0.1:9/nobody"
        self.store.deliveries.carrier.set_endpoints(
            PushEndpoints(
                topics={f"projects/shop-cloud/topics/{topic}": push for topic in ("changes", "other")},
                event_grid={GRID["uri"]: {"url": push, "access_key": "grid-key-1234567"}},
            )
        )

    def use(
        self,
        work: Callable[[CommercetoolsSubscriptions], Awaitable[T]],
        config: SyncSettings | None = None,
        **connection: Any,
    ) -> T:
        async def body() -> T:
            chosen = config or settings()
            held = {**SECRETS, **connection}
            async with self.world.client(chosen, **held) as client:
                return await work(CommercetoolsSubscriptions(client, chosen, client.connection))

        return asyncio.run(body())

    def found(self, config: SyncSettings | None = None, **connection: Any) -> list[Registration]:
        return list(self.use(lambda hooks: hooks.registrations(), config, **connection))

    def checked(self, config: SyncSettings | None = None, **connection: Any) -> list[CheckResult]:
        return self.use(lambda hooks: hooks.check(), config, **connection)

    def mended(self, config: SyncSettings | None = None, **connection: Any) -> Registration:
        """Ours, mended, if that is to be done; how it is afterwards."""

        async def work(hooks: HookSystem) -> Registration:
            first = next(one for one in await hooks.registrations() if one.state != "foreign")
            return await hooks.mend(first)

        return self.use(work, config, **connection)

    def ours(self) -> Json | None:
        return self.store.get("subscriptions", key=KEY)

    def draft(self, **more: Any) -> Json:
        """What a shop that has it right has."""
        topic = {"type": "GoogleCloudPubSub", "projectId": "shop-cloud", "topic": "changes"}
        return {"key": KEY, "destination": topic, "changes": changes(settings()), **more}

    def writes(self) -> int:
        exchanges = self.world.sink.exchanges
        return sum(1 for e in exchanges if e.method in ("POST", "DELETE") and "/subscriptions" in e.url)


@pytest.fixture
def shop(served: World) -> Shop:
    return Shop(served)


def changes(config: SyncSettings) -> list[Json]:
    followed = set(config.followed_entities)
    return [{"resourceTypeId": name} for name, entities in RESOURCES.items() if followed & set(entities)]


def said(caplog: pytest.LogCaptureFixture) -> str:
    """What this side logged: the stand-in's own client of the queue is in the same process."""
    ours = ("retail_sync.transport", "retail_sync.commercetools", "httpx")
    return "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(ours))


# ---------------------------------------------------------------- creating


def test_one_subscription_to_the_changes_that_followed_entities_need(shop: Shop) -> None:
    (missing,) = shop.found()
    assert (missing.name, missing.state, missing.action) == (KEY, "missing", "create")
    assert missing.address == "projects/shop-cloud/topics/changes"
    made = shop.mended()
    ours = shop.ours()
    assert ours is not None and (made.state, made.id) == ("right", ours["id"])
    assert ours["changes"] == changes(settings()) and not ours["messages"]
    told = {change["resourceTypeId"] for change in ours["changes"]}
    assert "product" in told and "inventory-entry" in told and "customer" not in told
    assert ours["format"] == {"type": "Platform"}


def test_only_what_entities_that_follow_at_once_need_is_asked_for(shop: Shop) -> None:
    shop.mended(settings(entities=["products"]))
    ours = shop.ours()
    assert ours is not None and ours["changes"] == [{"resourceTypeId": "product"}]


def test_a_second_time_changes_nothing(shop: Shop) -> None:
    shop.mended()
    before = shop.writes()
    (again,) = shop.found()
    assert again.state == "right" and shop.mended() == again
    assert shop.writes() == before


def test_event_grid_gets_the_key_of_the_connection_and_cloud_events(shop: Shop) -> None:
    assert shop.mended(settings(GRID)).state == "right"
    ours = shop.ours()
    assert ours is not None
    assert ours["destination"] == {"type": "EventGrid", "uri": GRID["uri"], "accessKey": "grid-key-1234567"}
    assert ours["format"] == {"type": "CloudEvents", "cloudEventsVersion": "1.0"}
    assert shop.found(settings(GRID))[0].state == "right"


@pytest.mark.parametrize(
    ("destination", "lacking"),
    [
        (GRID, "event_grid_key"),
        (GRID, "event_secret"),
        (TOPIC, "event_secret"),
        (QUEUE, "queue_access_key"),
        (QUEUE, "queue_access_secret"),
    ],
)
def test_a_secret_that_is_lacking_is_named_and_nothing_is_sent(
    shop: Shop, destination: Json, lacking: str
) -> None:
    (only,) = shop.found(settings(destination), **{lacking: None})
    assert (only.state, only.action) == ("refused", None)
    assert lacking in only.finding and lacking in only.remedy
    (line,) = shop.checked(settings(destination), **{lacking: None})
    assert (line.level, line.remedy) == ("error", only.remedy)
    shop.mended(settings(destination), **{lacking: None})
    assert shop.writes() == 0


def test_a_token_of_google_needs_no_secret_and_a_queue_that_trusts_commercetools_no_key(shop: Shop) -> None:
    signed = {**TOPIC, "audience": "https://airflow.example.com", "service_account": "push@x.example"}
    bare = dict.fromkeys(SECRETS)
    assert shop.found(settings(signed), **bare)[0].state == "missing"
    assert shop.found(settings({**QUEUE, "authentication": "IAM"}), **bare)[0].state == "missing"


# ---------------------------------------------------------------- refused


def test_a_destination_that_can_not_be_reached_is_refused_in_the_words_of_commercetools(shop: Shop) -> None:
    refused = shop.mended(settings({**TOPIC, "topic": "nowhere"}))
    assert (refused.state, refused.id, refused.action) == ("refused", None, None)
    assert "nowhere" in refused.finding
    assert "Pub/Sub Publisher" in refused.remedy and "subscriptions@commercetools" in refused.remedy
    assert shop.ours() is None


def test_a_refusal_names_no_credentials(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """The API names the access key of a queue in its words."""
    caplog.set_level(logging.DEBUG)
    refused = shop.mended(settings(QUEUE))
    assert refused.state == "refused" and "queue_access_key" in refused.remedy
    shown = repr(refused) + repr(shop.world.sink.exchanges) + said(caplog)
    held = [secret.get_secret_value() for secret in SECRETS.values()]
    assert not any(secret in shown for secret in held)
    assert "***" in refused.finding


def test_ours_stays_as_it_is_where_its_new_destination_is_refused(shop: Shop) -> None:
    shop.mended()
    before = shop.ours()
    assert before is not None
    refused = shop.mended(settings({**TOPIC, "topic": "nowhere"}))
    assert (refused.state, refused.id) == ("refused", before["id"])
    assert shop.ours() == before


def test_words_without_a_secret_are_left_as_they_are() -> None:
    assert told_without("Nothing secret.", None) == "Nothing secret."


# ---------------------------------------------------------------- different


def test_another_destination_other_changes_and_messages_are_set_right_in_place(shop: Shop) -> None:
    made = shop.store.create(
        "subscriptions",
        shop.draft(
            destination={"type": "GoogleCloudPubSub", "projectId": "shop-cloud", "topic": "other"},
            changes=[{"resourceTypeId": "cart"}],
            messages=[{"resourceTypeId": "order", "types": ["OrderCreated"]}],
            events=[{"resourceTypeId": "import-api", "types": []}],
        ),
    )
    (different,) = shop.found()
    assert (different.state, different.action, different.id) == ("different", "update", made["id"])
    for word in ("topics/other", "cart", "messages"):
        assert word in different.finding
    assert shop.mended().state == "right"
    ours = shop.ours()
    assert ours is not None and ours["id"] == made["id"]
    assert ours["destination"]["topic"] == "changes" and ours["changes"] == changes(settings())
    assert not ours["messages"] and not ours["events"]


def test_another_order_of_the_changes_is_no_difference(shop: Shop) -> None:
    shop.store.create("subscriptions", shop.draft(changes=changes(settings())[::-1]))
    assert shop.found()[0].state == "right"


def test_another_format_needs_a_new_one(shop: Shop) -> None:
    before = shop.store.create("subscriptions", shop.draft())
    config = settings(format="CloudEvents")
    assert "the format Platform" in shop.found(config)[0].finding
    made = shop.mended(config)
    ours = shop.ours()
    assert ours is not None and made.state == "right" and ours["id"] == made.id != before["id"]
    assert ours["format"]["type"] == "CloudEvents"


def test_a_key_that_was_renewed_shows_in_what_is_not_masked_of_it(shop: Shop) -> None:
    grid = {"type": "EventGrid", "uri": GRID["uri"], "accessKey": "an-older-key-7654321"}
    form = {"type": "CloudEvents", "cloudEventsVersion": "1.0"}
    shop.store.create("subscriptions", shop.draft(destination=grid, format=form))
    (old,) = shop.found(settings(GRID))
    assert old.state == "different" and "credentials" in old.finding
    assert shop.mended(settings(GRID)).state == "right"
    ours = shop.ours()
    assert ours is not None and ours["destination"]["accessKey"] == "grid-key-1234567"


def test_a_queue_is_compared_with_its_credentials_and_how_they_are_used(shop: Shop) -> None:
    there = {
        "type": "SQS",
        "queueUrl": QUEUE["queue_url"],
        "region": QUEUE["region"],
        "accessKey": "AKIA-access-1234567",
        "accessSecret": "queue-secret-1234567",
    }
    shop.store.create("subscriptions", shop.draft(destination=there))
    assert shop.found(settings(QUEUE))[0].state == "right"
    renewed = shop.found(settings(QUEUE), queue_access_key=SecretStr("AKIA-renewed"))
    assert renewed[0].state == "different"
    assert shop.found(settings({**QUEUE, "authentication": "IAM"}))[0].state == "different"


# ---------------------------------------------------------------- unhealthy


@pytest.mark.parametrize(
    ("status", "action", "word", "remedy"),
    [
        ("ConfigurationError", None, "credentials", "Pub/Sub Publisher"),
        ("ConfigurationErrorDeliveryStopped", "update", "given up", "lost"),
        ("TemporaryError", None, "at the moment", "passes by itself"),
        ("ManuallySuspended", None, "suspended", "support"),
    ],
)
def test_what_can_not_deliver_is_told_with_the_way_out(
    shop: Shop, status: str, action: str | None, word: str, remedy: str
) -> None:
    shop.mended()
    shop.store.deliveries.set_status(KEY, status, shop.store.project_key)
    (ill,) = shop.found()
    assert (ill.state, ill.action) == ("unhealthy", action)
    assert status in ill.finding and word in ill.finding and remedy in ill.remedy
    (line,) = shop.checked()
    assert (line.level, line.remedy) == ("error", ill.remedy)


def test_delivery_that_was_given_up_is_started_again(shop: Shop) -> None:
    shop.mended()
    shop.store.deliveries.set_status(KEY, "ConfigurationErrorDeliveryStopped", shop.store.project_key)
    again = shop.mended()
    assert again.state == "right" and "lost" in again.finding
    ours = shop.ours()
    assert ours is not None and ours["status"] == "Healthy"


# ---------------------------------------------------------------- not wanted, not ours


def test_what_is_ours_and_not_wanted_any_more_is_deleted(shop: Shop) -> None:
    for off in (settings(None), settings(entities=[])):
        shop.store.create("subscriptions", shop.draft())
        (left,) = shop.found(off)
        assert (left.state, left.action) == ("superfluous", "delete")
        assert shop.mended(off).state == "right"
        assert shop.ours() is None


def test_others_are_told_of_where_they_tell_the_same_destination_and_never_touched(shop: Shop) -> None:
    same = shop.store.create("subscriptions", shop.draft(key="analytics"))
    shop.store.create(
        "subscriptions",
        shop.draft(
            key="elsewhere",
            destination={"type": "GoogleCloudPubSub", "projectId": "shop-cloud", "topic": "other"},
        ),
    )
    ours, foreign = shop.found()
    assert (ours.name, ours.state) == (KEY, "missing")
    assert (foreign.name, foreign.state, foreign.action) == ("analytics", "foreign", None)
    claimed = Registration("analytics", "", "superfluous", "", id=same["id"], action="delete")
    assert shop.use(lambda hooks: hooks.mend(claimed)) == claimed
    shop.mended()
    assert shop.store.get("subscriptions", key="analytics") == same
    assert {line.level for line in shop.checked()} == {"ok", "warning"}


# ---------------------------------------------------------------- twice, at once, and without an answer


def test_one_that_somebody_else_made_meanwhile_is_not_made_twice(shop: Shop) -> None:
    (missing,) = shop.found()
    first, second = (shop.use(lambda hooks: hooks.mend(missing)) for _ in range(2))
    assert first.state == "right" and second == first
    assert len(shop.store.all("subscriptions")) == 1


def test_a_key_that_was_taken_meanwhile_is_looked_up(shop: Shop) -> None:
    """What was read is older than what is there: as if another worker had created it right after."""
    shop.store.create("subscriptions", shop.draft())
    gone = {
        "statusCode": 404,
        "message": "not found",
        "errors": [{"code": "ResourceNotFound", "message": "-"}],
    }
    shop.world.faults.add(FaultRule(method="GET", match="key=", kind="status", status=404, body=gone))
    missing = Registration(KEY, "", "missing", "", action="create")
    assert shop.use(lambda hooks: hooks.mend(missing)).state == "right"
    assert shop.writes() == 1


def test_an_answer_that_got_lost_is_looked_up_and_not_sent_again(shop: Shop) -> None:
    shop.world.faults.add(FaultRule(method="POST", match="/subscriptions", kind="timeout_after"))
    assert shop.mended().state == "right" and shop.writes() == 1


def test_a_request_that_was_lost_is_an_unknown_outcome(shop: Shop) -> None:
    shop.world.faults.add(FaultRule(method="POST", match="/subscriptions", kind="timeout_before"))
    with pytest.raises(UnknownOutcome):
        shop.mended()
    assert shop.ours() is None and shop.writes() == 1


# ---------------------------------------------------------------- preflight


def test_where_nothing_is_set_up_polling_is_said(shop: Shop) -> None:
    (line,) = shop.checked(settings(None))
    assert line.level == "ok" and "schedules alone" in line.finding


def test_what_is_missing_is_a_warning_and_what_is_right_is_said(shop: Shop) -> None:
    (line,) = shop.checked()
    assert line.level == "warning" and "subscribe" in line.remedy
    shop.mended()
    (line,) = shop.checked()
    assert line.level == "ok" and "projects/shop-cloud/topics/changes" in line.finding


def test_a_missing_scope_is_an_error_only_where_a_subscription_is_wanted(shop: Shop) -> None:
    few: Json = {"scopes": ("view_products",)}
    (line,) = shop.checked(**few)
    assert line.level == "error" and "manage_subscriptions" in line.remedy
    with pytest.raises(ConfigurationFault):
        shop.found(**few)
    assert [line.level for line in shop.checked(settings(None), **few)] == ["ok"]


def test_no_secret_is_in_findings_logs_or_exchanges(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    theirs = {
        "type": "AzureServiceBus",
        "connectionString": "Endpoint=sb://theirs;SharedAccessKey=private-key",
    }
    shop.store.create("subscriptions", shop.draft(key="theirs", destination=theirs))
    shown: list[Any] = [shop.found(settings(GRID)), shop.mended(settings(GRID)), shop.checked(settings(GRID))]
    text = repr(shown) + repr(shop.world.sink.exchanges) + said(caplog)
    held = [secret.get_secret_value() for secret in SECRETS.values()]
    assert shop.writes() == 1
    # Not even what the API leaves unmasked of somebody else's secret.
    assert not any(secret in text for secret in [*held, "***key"])
