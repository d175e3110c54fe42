"""Keys of records as values. What the ledger keeps of them is their text: `str` gives it, `parse` takes it back.

No id of either system holds a colon in front of anything but a variant's number, and no channel key or outlet id holds
an `@`; a SKU may hold both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, order=True)
class RecordRef:
    """One record of one system, as changes and holds name it: `system:id`."""

    system: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """An empty id where the text names none."""
        system, _, record = text.partition(":")
        return cls(system, record)


@dataclass(frozen=True, order=True)
class EntryKey:
    """An inventory entry: `sku@channel`, with the empty channel for none."""

    sku: str
    channel: str

    def __str__(self) -> str:
        return f"{self.sku}@{self.channel}"

    @classmethod
    def parse(cls, text: str) -> Self:
        sku, _, channel = text.rpartition("@")
        return cls(sku, channel)


@dataclass(frozen=True, order=True)
class LevelKey:
    """An inventory level: `product@outlet`."""

    product_id: str
    outlet_id: str

    def __str__(self) -> str:
        return f"{self.product_id}@{self.outlet_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        product, _, outlet = text.rpartition("@")
        return cls(product, outlet)


@dataclass(frozen=True, order=True)
class VariantKey:
    """An online variant, which commercetools numbers inside its product: `product:number`."""

    product_id: str
    number: int

    def __str__(self) -> str:
        return f"{self.product_id}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for a text that names no variant."""
        product, _, number = text.rpartition(":")
        return cls(product, int(number))


@dataclass(frozen=True, order=True)
class WriteUnit:
    """What is written together: `system:key`. `key` is whatever the entity groups by: a target's id, an entry, a level,
    or the source of what is yet to be created (`new:` and its `RecordRef`)."""

    system: str
    key: str

    _NEW: ClassVar[str] = "new:"

    def __str__(self) -> str:
        return f"{self.system}:{self.key}"

    @classmethod
    def creating(cls, system: str, source: RecordRef) -> Self:
        return cls(system, f"{cls._NEW}{source}")

    @classmethod
    def parse(cls, text: str) -> Self:
        system, _, key = text.partition(":")
        return cls(system, key)

    @property
    def creates(self) -> bool:
        return self.key.startswith(self._NEW)
