"""Settings of near real time are validated when they are loaded: what, on which line, and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_sync.settings.loader import parse_settings
from retail_sync.settings.models import SyncSettings
from tests.support.settings_files import dump_settings, refused

QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/ct-sync"
HOOKS = "https://airflow.example.com/retail-sync/hooks"


def destination(given: str, more: str = "") -> str:
    return f"  receiver_url: {HOOKS}\n  commercetools:\n    destination: {{{given}}}\n{more}"


SQS = f"type: SQS, queue_url: '{QUEUE}', region: eu-central-1"
PUB_SUB = "type: GoogleCloudPubSub, project_id: shop, topic: changes"
EVENT_GRID = "type: EventGrid, uri: 'https://t.westeurope-1.eventgrid.azure.net/api/events'"


@pytest.mark.parametrize(
    "realtime",
    [
        destination(SQS),
        destination(PUB_SUB),
        destination(PUB_SUB + ", audience: a, service_account: p@shop.iam.gserviceaccount.com"),
        destination(EVENT_GRID, "    format: CloudEvents\n"),
        destination(SQS).split("\n", 1)[1],
        "  entities: []\n",
        f"  receiver_url: {HOOKS}\n  lightspeed: {{allow_unsigned: true}}\n  entities: [products]\n",
    ],
)
def test_what_works_together_is_taken_and_survives_being_written(realtime: str, tmp_path: Path) -> None:
    settings = parse_settings("realtime:\n" + realtime)
    assert isinstance(settings, SyncSettings)
    assert dump_settings(settings, tmp_path / "sync.yaml").realtime == settings.realtime


@pytest.mark.parametrize(
    ("realtime", "line", "says", "remedy"),
    [
        (destination(EVENT_GRID), 3, "Event Grid takes CloudEvents only", "format: CloudEvents"),
        (
            destination(EVENT_GRID, "    format: Platform\n"),
            5,
            "Event Grid takes CloudEvents only",
            "format: CloudEvents",
        ),
        (
            destination(PUB_SUB + ", audience: a"),
            4,
            "`audience` needs `service_account`",
            "Add `service_account`",
        ),
        (
            destination(PUB_SUB + ", service_account: a@b"),
            4,
            "`service_account` needs `audience`",
            "Add `audience`",
        ),
        (
            destination(PUB_SUB + ", audience: a, service_account: me"),
            4,
            "not the e-mail",
            "iam.gserviceaccount.com",
        ),
        (
            destination("type: GoogleCloudPubSub, project_id: shop, topic: projects/shop/topics/changes"),
            4,
            "The name alone",
            "Write 'changes'",
        ),
        (
            destination(PUB_SUB + ", certificates_url: 'http://keys.example.com'"),
            4,
            "over https",
            "Remove this line",
        ),
        (destination(EVENT_GRID).split("\n", 1)[1], 3, "nobody knows its address", "realtime.receiver_url"),
        (destination(PUB_SUB).split("\n", 1)[1], 3, "nobody knows its address", "realtime.receiver_url"),
        (
            destination("type: EventGrid, uri: topic", "    format: CloudEvents\n"),
            4,
            "not the endpoint of a topic",
            "https://",
        ),
        (destination(SQS.replace("ct-sync", "ct.fifo")), 4, "this one is FIFO", "standard queue"),
        (
            destination(SQS.replace("region: eu-central-1", "region: eu-west-1")),
            4,
            "in 'eu-central-1'",
            "eu-central-1",
        ),
        (
            destination("type: SQS, queue_url: ct-sync, region: eu-central-1"),
            4,
            "not the URL of a queue",
            "AWS",
        ),
        (destination("type: SQZ, queue_url: ct-sync, region: eu-central-1"), 4, "possible values", "'SQS'"),
        (destination("queue_url: ct-sync, region: eu-central-1"), 4, "needs a `type`", "Add `type:`"),
        (destination("type: SQS, region: eu-central-1"), 4, "missing", "such as https://sqs"),
        ("  entities: [products, inventory]\n", 2, "'inventory' does not sync", "`locations`"),
        ("  entities: [orders]\n", 2, "'orders' does not sync", "set up `orders`"),
        ("  entities: [products, products]\n", 2, "named twice", "Remove one"),
        ("  entities: [shoe]\n", 2, "possible values", "products"),
        (
            f"  receiver_url: {HOOKS}\n  lightspeed: {{allow_unsigned: true, enabled: false}}\n",
            3,
            "switched off",
            "allow_unsigned: false",
        ),
        ("  lightspeed: {allow_unsigned: true}\n", 2, "nobody knows the receiver", "receiver_url"),
        (
            "  receiver_url: http://airflow.example.com\n",
            2,
            "give an https address",
            "https://airflow.example.com",
        ),
    ],
)
def test_what_can_not_work_names_the_line_and_the_way_out(
    realtime: str, line: int, says: str, remedy: str
) -> None:
    text = refused("realtime:\n" + realtime)
    assert f":{line}: realtime" in text
    assert says in text
    assert remedy in text
