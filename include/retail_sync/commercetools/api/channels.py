"""Supply channels: what the configuration names, what the project has, and what is missing between the two."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.references import read_channels
from retail_sync.commercetools.api.wire import Channel
from retail_sync.commercetools.api.writing import ChannelDraft, channel_action, update_body
from retail_sync.records.channels import NO_CHANNEL
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.creating import NotMade, made_once

log = logging.getLogger(__name__)

SUPPLY = "InventorySupply"
EXPORT = "OrderExport"


def shown_channels(settings: SyncSettings) -> frozenset[str]:
    """Keys of the channels whose entries are written, `NO_CHANNEL` among them where it is configured. The channel of
    a location that somebody else counts is never one."""
    shown = frozenset(channel.channel for channel in settings.shown_channels)
    return shown - read_only_channels(settings)


def read_only_channels(settings: SyncSettings) -> frozenset[str]:
    """Keys of the channels whose entries are read as the figures of a location."""
    return frozenset(
        place.channel for place in settings.locations if place.owner != "lightspeed" and place.channel
    )


@dataclass(frozen=True)
class Channels:
    """The channels of a project."""

    by_key: Mapping[str, Channel] = field(default_factory=dict)

    @classmethod
    def of(cls, channels: Iterable[Channel]) -> Channels:
        return cls({channel.key: channel for channel in channels})

    @property
    def keys(self) -> dict[str, str]:
        """Keys by id."""
        return {channel.id: key for key, channel in self.by_key.items()}

    def id_of(self, key: str) -> str | None:
        return self.by_key[key].id if key in self.by_key else None

    def has_role(self, key: str, role: str) -> bool:
        return key in self.by_key and role in (self.by_key[key].roles or ())

    def lacking(self, keys: Iterable[str], role: str) -> list[str]:
        """Of these keys, those of which there is no channel with the role."""
        return sorted(key for key in keys if key != NO_CHANNEL and not self.has_role(key, role))


async def with_supply(client: CommercetoolsClient, channels: Channels, settings: SyncSettings) -> Channels:
    """The channels, once every one that is written to can hold stock. Raises ConfigurationFault naming all that can't,
    unless they are to be created."""
    lacking = channels.lacking(shown_channels(settings), SUPPLY)
    if not lacking:
        return channels
    if not settings.inventory.create_channels:
        told = ", ".join(
            f"{key} ({f'no role {SUPPLY}' if key in channels.by_key else 'does not exist'})"
            for key in lacking
        )
        raise ConfigurationFault(
            f"Supply channels are missing: {told}.",
            system=SYSTEM,
            remedy=f"Create them in commercetools with the role {SUPPLY}, correct their keys in `inventory.channels` "
            "and `locations`, or set `inventory.create_channels: true`.",
        )
    for key in lacking:
        await _supply(client, channels.by_key.get(key), key)
    return Channels.of(await read_channels(client))


async def _supply(client: CommercetoolsClient, channel: Channel | None, key: str) -> None:
    """See to it that the channel can hold stock. One that can't be had now stays as it is (see `made_once`): entries of
    it are refused and tried again by themselves, those of other channels are not."""

    async def send() -> str:
        if channel is None:
            await client.post("/channels", ChannelDraft(key=key, roles=[SUPPLY]).body())
        else:
            body = update_body(channel.version, channel_action("addRoles", roles=[SUPPLY]))
            await client.post(f"/channels/{channel.id}", body)
        return key

    async def look() -> str | None:
        return key if Channels.of(await read_channels(client)).has_role(key, SUPPLY) else None

    try:
        await made_once(f"The channel {key} with the role {SUPPLY}", system=SYSTEM, send=send, look=look)
    except NotMade as problem:
        log.warning("%s", problem)
