"""Settings of near real time: who tells us of changes, and where they are told to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from retail_sync.settings.models.base import Settings

Entity = Literal["products", "prices", "inventory", "customers", "orders", "sales"]
NotificationFormat = Literal["Platform", "CloudEvents"]


class SqsDestination(Settings):
    """An AWS SQS standard queue; the DAG `listen` empties it."""

    type: Literal["SQS"]
    """An SQS queue."""
    queue_url: str
    """Its URL, such as https://sqs.eu-central-1.amazonaws.com/123456789012/ct-sync."""
    region: str
    """Its AWS region."""
    authentication: Literal["IAM", "Credentials"] = "IAM"
    """How commercetools gets in. `Credentials` are taken from the connection's `queue_access_key` and
    `queue_access_secret`."""
    aws_conn_id: str = "aws_default"
    """Airflow connection that may receive from the queue and delete what was received."""


class PubSubDestination(Settings):
    """A Google Cloud Pub/Sub topic, whose push subscription delivers to the receiver."""

    type: Literal["GoogleCloudPubSub"]
    """A Pub/Sub topic."""
    project_id: str
    """Google Cloud project."""
    topic: str
    """Its topic."""
    audience: str | None = None
    """Audience of the token Google signs for each push. Empty = pushes carry the secret of the connection in their
    address instead (`event_secret`)."""
    service_account: str | None = None
    """E-mail of the service account that pushes; needed with `audience`."""
    certificates_url: str = "https://www.googleapis.com/oauth2/v3/certs"
    """Where Google publishes the keys it signs with."""


class EventGridDestination(Settings):
    """An Azure Event Grid topic, whose event subscription delivers to the receiver. Its access key is the connection's
    `event_grid_key`."""

    type: Literal["EventGrid"]
    """An Event Grid topic."""
    uri: str
    """Endpoint of the topic."""


Destination = Annotated[
    SqsDestination | PubSubDestination | EventGridDestination, Field(discriminator="type")
]


class CommercetoolsSubscription(Settings):
    """The subscription that commercetools tells of changes through."""

    key: str = Field(default="retail-sync", pattern=r"^[A-Za-z0-9_-]{2,256}$")
    """Its key in commercetools."""
    destination: Destination
    """Where it delivers to."""
    format: NotificationFormat = "Platform"
    """Event Grid knows CloudEvents only."""


class LightspeedWebhooks(Settings):
    """The webhooks of Lightspeed."""

    enabled: bool = True
    """Whether `subscribe` registers them."""
    allow_unsigned: bool = False
    """Webhooks of a personal token are not signed. With this, they are taken from an address that holds a secret made
    from the connection's `webhook_secret`; without it, only an OAuth application's are."""


class RealtimeSettings(Settings):
    """Near real time: what is told of is looked at at once. What is missed here is found by the schedules."""

    receiver_url: str | None = None
    """Public address of this Airflow's receiver, such as https://airflow.example.com/retail-sync/hooks; empty = nothing
    delivers to it."""
    tenant: str = Field(default="main", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    """Part of the receiver's addresses: the shop that speaks."""
    entities: tuple[Entity, ...] | None = None
    """Entities that follow at once; left out = all that sync, `[]` = none."""
    lightspeed: LightspeedWebhooks = LightspeedWebhooks()
    """The webhooks of Lightspeed."""
    commercetools: CommercetoolsSubscription | None = None
    """The subscription of commercetools; empty = none."""
    most_body_kilobytes: int = Field(default=1024, ge=16, le=10_240)
    """A longer body is refused. Event Grid sends up to 1 MB."""
    oldest_hours: int = Field(default=168, ge=1)
    """An event that says it is older is thanked for and not kept: schedules have long seen what it tells of."""
    refused_per_minute: int = Field(default=60, ge=1)
    """Refused requests of one address in a minute, after which further ones are answered 429, and no body of that
    address is read unless it lately sent something genuine."""
    events_per_minute: int = Field(default=30_000, ge=60)
    """Events taken in a minute, by each process of the API server; beyond that the sender is asked to come again
    (503)."""
    at_once_rows: int = Field(default=2000, ge=0)
    """A delta that an event or the schedule started does all of its work in one task, as long as it reads no more rows
    than this; beyond that the work goes on in the ordinary tasks. 0 = always the ordinary tasks."""

    @field_validator("receiver_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        local = value.startswith(("http://127.0.0.1:", "http://localhost:"))
        if not (value.startswith("https://") or local) or "?" in value or "#" in value:
            raise ValueError(
                "give an https address without a query, such as https://airflow.example.com/retail-sync/hooks"
            )
        return value.rstrip("/")
