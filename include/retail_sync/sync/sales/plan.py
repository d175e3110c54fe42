"""What is known of an in-store sale, and what is to be done about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from retail_sync.records.orders import Document
from retail_sync.records.sales import Sale, SaleTerms
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.findings import Remark

Target = Literal["orders", "entries"]
Action = Literal["import", "pay", "close", "put"]
"""`import`: make the order of a sale. `pay`: its sale on account was paid. `close`: cancel the order of a sale that was
voided. `put`: create or replace the entry of a sale."""


class Known(Document):
    """What the ledger keeps of a sale that was taken: the base of its link. `key`: number of the order, or key of the
    entry. `content`: digest of what was taken (see `content_of`). `named`: whether it bears a customer; who that is,
    is not kept here. `due`: whether its order is still to be paid."""

    target: Target
    key: str
    content: str
    voided: bool = False
    named: bool = True
    due: bool = False


@dataclasses.dataclass(frozen=True)
class Article:
    """What a line of a sale sells. `sku`: under which it is sold online; None: it is not. `till_sku`: its own."""

    sku: str | None = None
    till_sku: str | None = None
    name: str = ""


@dataclasses.dataclass(frozen=True)
class World:
    """What holds for the sales at hand. `customers`: the account online by id of the till's customer. `forgotten`: ids
    of the till's customers who were erased. `articles`: by the till's product id. `originals`: the number or key of
    sales that were taken, by id, where goods of theirs come back. `web`: ids of sales that stand for web orders, where
    goods of theirs come back."""

    settings: SyncSettings
    terms: SaleTerms
    customers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()
    articles: Mapping[str, Article] = dataclasses.field(default_factory=dict)
    originals: Mapping[str, str] = dataclasses.field(default_factory=dict)
    web: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Write:
    """One write. `key`: number of the order or key of the entry, the same for ever. `document`: what is written, as
    plain values. `content`, `named`: see `Known`."""

    action: Action
    key: str
    reason: str
    content: str
    named: bool
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def target(self) -> Target:
        return "entries" if self.action == "put" else "orders"


@dataclasses.dataclass(frozen=True)
class SalePlan:
    """What is to be done about one sale: a write; or nothing, and why (`ignored`: it is none of ours, or not yet;
    `findings`: what a person should know; else it is as it should be). `waits`: it is taken as soon as its customer
    is linked."""

    sale: Sale
    write: Write | None = None
    findings: tuple[Remark, ...] = ()
    ignored: str = ""
    waits: bool = False

    @property
    def disposition(self) -> str:
        """What became of it, in the words of the accounts."""
        if self.write is not None:
            return "planned"
        return "ignored" if self.ignored else "unchanged"

    @property
    def keeps_document(self) -> bool:
        """Whether something may still have to be done with it without the till showing it again."""
        return self.write is not None or self.waits or bool(self.findings)
