"""How supply channels are named in tables of stock."""

from __future__ import annotations

NO_CHANNEL = ""
"""The channel of entries without a supply channel."""


def channel_name(channel: str) -> str:
    """A channel as a person reads it."""
    return channel or "(no channel)"
