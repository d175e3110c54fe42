"""Notifications of a subscription: what they hint at and under which id, in both formats."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.commercetools.events.notifications import RESOURCES, hint_of
from retail_sync.records.events import UnreadableEvent

PROJECT = "little-shop"
ORDER = "0f9a1a52-6ad1-4d0e-9b4b-0a58a9feac02"
MESSAGE = {
    "notificationType": "Message",
    "projectKey": PROJECT,
    "id": "5e1a1a52-6ad1-4d0e-9b4b-0a58a9feac02",
    "version": 1,
    "sequenceNumber": 4,
    "resource": {"typeId": "order", "id": ORDER},
    "resourceVersion": 9,
    "resourceUserProvidedIdentifiers": {"orderNumber": "ada@private.example"},
    "type": "OrderStateChanged",
    "orderState": "Complete",
    "createdAt": "2026-11-23T08:00:00.000Z",
    "lastModifiedAt": "2026-11-23T08:00:00.000Z",
}
CHANGE = {
    "notificationType": "ResourceUpdated",
    "projectKey": PROJECT,
    "resource": {"typeId": "inventory-entry", "id": ORDER},
    "resourceUserProvidedIdentifiers": {"key": "SHIRT_shop-1", "sku": "SHIRT"},
    "version": 12,
    "oldVersion": 10,
    "modifiedAt": "2026-11-23T08:00:00.123Z",
}
TEST = {
    "notificationType": "ResourceCreated",
    "projectKey": PROJECT,
    "resource": {"typeId": "subscription", "id": ORDER},
    "version": 1,
    "modifiedAt": "2026-11-23T08:00:00.000Z",
}


def envelope(data: Any, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "ec-1",
        "type": "com.commercetools.order.message.OrderStateChanged",
        "source": f"/{PROJECT}/orders",
        "subject": ORDER,
        "time": "2026-11-23T09:00:00.000Z",
        "data": data,
        **more,
    }


def id_of(notification: Any) -> str:
    hint = hint_of(notification, PROJECT)
    assert hint is not None
    return hint.event_id


# ---------------------------------------------------------------- what it hints at


def test_a_message_says_what_happened_to_which_version_of_what() -> None:
    hint = hint_of(MESSAGE, PROJECT)
    assert hint is not None
    assert (hint.source, hint.topic, hint.entities) == (
        "commercetools",
        "OrderStateChanged",
        ("orders", "inventory"),
    )
    assert (hint.resource_id, hint.version) == (ORDER, 9)
    assert hint.sent_at == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_change_says_what_happened_to_which_version_of_what() -> None:
    hint = hint_of(CHANGE, PROJECT)
    assert hint is not None
    assert (hint.topic, hint.entities) == ("inventory-entry.ResourceUpdated", ("inventory",))
    assert (hint.resource_id, hint.version) == (ORDER, 12)
    assert hint.sent_at == datetime(2026, 11, 23, 8, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize("type_id", sorted(RESOURCES))
@pytest.mark.parametrize("kind", ["ResourceCreated", "ResourceUpdated", "ResourceDeleted"])
def test_every_change_of_a_followed_resource_is_for_its_entities(kind: str, type_id: str) -> None:
    hint = hint_of(
        {**CHANGE, "notificationType": kind, "resource": {"typeId": type_id, "id": ORDER}}, PROJECT
    )
    assert hint is not None and hint.entities == RESOURCES[type_id]


def test_messages_are_told_apart_by_sequence_number_and_changes_by_version_and_kind() -> None:
    ids = [
        id_of(MESSAGE),
        id_of({**MESSAGE, "sequenceNumber": 5}),
        id_of({**MESSAGE, "resource": {"typeId": "payment", "id": ORDER}}),
        id_of(CHANGE),
        id_of({**CHANGE, "version": 13}),
        id_of({**CHANGE, "notificationType": "ResourceDeleted"}),
        id_of({**CHANGE, "resource": {"typeId": "order", "id": ORDER}, "version": 4}),
        id_of({**CHANGE, "resource": {"typeId": "inventory-entry", "id": "other"}}),
    ]
    assert len(set(ids)) == len(ids)


def test_a_message_delivered_again_is_the_same_event_even_where_it_was_too_long() -> None:
    short = {name: MESSAGE[name] for name in ("notificationType", "projectKey", "id", "version")}
    short |= {name: MESSAGE[name] for name in ("sequenceNumber", "resource", "resourceVersion", "createdAt")}
    short["payloadNotIncluded"] = {"reason": "too long", "payloadType": "OrderStateChanged"}
    assert hint_of(short, PROJECT) == hint_of(MESSAGE, PROJECT)


@pytest.mark.parametrize("told", [MESSAGE, CHANGE], ids=["message", "change"])
def test_both_formats_hint_at_the_same(told: dict[str, Any]) -> None:
    text = json.dumps(told)
    encoded = base64.b64encode(text.encode()).decode()
    for wrapped in (
        envelope(told),
        envelope(text),
        envelope(None, data_base64=encoded),
        envelope(told, specversion="2.0", type="what.else", source="elsewhere", subject=None),
    ):
        assert hint_of(wrapped, PROJECT) == hint_of(told, PROJECT)


def test_the_envelope_tells_the_time_where_the_notification_does_not() -> None:
    timeless = {name: value for name, value in CHANGE.items() if name != "modifiedAt"}
    hint = hint_of(envelope(timeless), PROJECT)
    assert hint is not None and hint.sent_at == datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T10:00:00+02:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("soon", None),
        (17, None),
    ],
)
def test_a_time_is_utc_or_not_known(text: Any, moment: datetime | None) -> None:
    hint = hint_of({**CHANGE, "modifiedAt": text}, PROJECT)
    assert hint is not None and hint.sent_at == moment


# ---------------------------------------------------------------- nothing to look at


@pytest.mark.parametrize(
    "told",
    [
        TEST,
        envelope(TEST),
        {**CHANGE, "resource": {"typeId": "review", "id": ORDER}},
        {"notificationType": "Event", "id": "e1", "type": "ImportUnresolved", "resourceType": "import"},
        {"notificationType": "SomethingNew", "projectKey": PROJECT},
    ],
)
def test_what_nobody_follows_is_no_hint(told: dict[str, Any]) -> None:
    assert hint_of(told, PROJECT) is None


# ---------------------------------------------------------------- what can't be read


@pytest.mark.parametrize(
    "told",
    [
        [],
        None,
        {},
        {"projectKey": PROJECT},
        {**CHANGE, "projectKey": "ada-shop"},
        {**TEST, "projectKey": "ada-shop"},
        {name: value for name, value in CHANGE.items() if name != "projectKey"},
        {**CHANGE, "resource": "ada"},
        {**CHANGE, "resource": {"typeId": "order"}},
        {**CHANGE, "resource": {"typeId": "order", "id": "ada@private.example"}},
        {**CHANGE, "version": "ada"},
        {**CHANGE, "version": True},
        {**CHANGE, "version": 2**63},
        {**MESSAGE, "sequenceNumber": None},
        envelope("ada"),
        envelope(["ada"]),
        envelope(None),
        envelope(None, data_base64="ada!"),
        envelope(None, data_base64=base64.b64encode(b"\xff").decode()),
    ],
)
def test_what_is_no_notification_of_this_project_is_refused_without_repeating_it(told: Any) -> None:
    with pytest.raises(UnreadableEvent) as refused:
        hint_of(told, PROJECT)
    assert "ada" not in str(refused.value)


def test_what_a_shop_calls_its_order_and_an_odd_type_stay_out_of_the_hint() -> None:
    shown = repr(hint_of({**MESSAGE, "type": "ada@private.example"}, PROJECT))
    assert "ada" not in shown and "'Message'" in shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.sampled_from([MESSAGE, CHANGE, envelope(MESSAGE), envelope(None, data_base64="e30=")]),
    st.dictionaries(st.sampled_from(sorted({*MESSAGE, *CHANGE, *envelope(1), "data_base64"})), json_values),
)
def test_whatever_stands_in_a_notification_it_is_a_hint_nothing_or_unreadable(
    told: dict[str, Any], spoilt: dict[str, Any]
) -> None:
    try:
        hint = hint_of({**told, **spoilt}, PROJECT)
    except UnreadableEvent:
        return
    assert hint is None or (hint.event_id.isascii() and hint.topic.isascii() and hint.body is not None)


@given(json_values)
def test_any_json_is_a_hint_nothing_or_unreadable(told: Any) -> None:
    try:
        hint_of(told, PROJECT)
    except UnreadableEvent:
        return
