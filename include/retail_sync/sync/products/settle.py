"""What successful writes leave in the ledger: bindings, agreed values, the mirror and the outcomes, all or nothing.

Where nothing could be stored the changes stay open with their attempt counted, so that the target is looked up before
anything is sent again: no twin is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link, MirrorRow, new_id
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.ports.products import ProductWrite, Written
from retail_sync.records.products import Kind, column_of
from retail_sync.records.types import digest, same
from retail_sync.sync.engine.apply import Result
from retail_sync.sync.products.mirror import ENTITY, KINDS, label_of, see_rows, to_mirror
from retail_sync.sync.products.ours import ACTIVE, switched_off


@dataclass(frozen=True)
class Sent:
    """What was sent, and what the target made of it."""

    write: ProductWrite
    written: Written


def settle(ledger: Ledger, run_id: str, system: str, results: Sequence[Result[Sent]]) -> None:
    """Store all that `results` say about writes to `system`, in one transaction."""
    settled = [_Settled(system, run_id, result) for result in results]
    with ledger.together() as books:
        _bind(books, system, settled)
        _show(books, run_id, system, settled)
        books.changes.settle([outcome for one in settled for outcome in one.outcomes()])


def _bind(books: Together, system: str, settled: Sequence[_Settled]) -> None:
    """Links of what was created; new agreed values of what was updated."""
    creating = [one for one in settled if one.creates]
    if creating:
        products = _links_of(books, "product", system, [one.written.product_id for one in creating])
        links = [link for one in creating for link in one.links(products.get(one.written.product_id))]
        books.links.add(links)
    for kind in KINDS:
        updated = {t: one for one in settled for t in one.updated(kind)}
        if updated:
            found = _links_of(books, kind, system, list(updated))
            books.links.agree(
                [updated[target].agreement(kind, target, link) for target, link in found.items()]
            )


def _links_of(books: Together, kind: Kind, system: str, records: Sequence[str]) -> dict[str, Link]:
    """The links in force of a system's records."""
    if system == "commercetools":
        return {k.commercetools_id: k for k in books.links.read(ENTITY, kind, commercetools_ids=records)}
    return {k.lightspeed_id: k for k in books.links.read(ENTITY, kind, lightspeed_ids=records)}


def _show(books: Together, run_id: str, system: str, settled: Sequence[_Settled]) -> None:
    """The mirror shows the targets as they answered, or else as they were just written, until they are read again."""
    silent = [one for one in settled if one.shown is None]
    rows: dict[Kind, list[MirrorRow]] = {
        kind: [row for one in settled if one.shown is not None for row in one.shown[kind]] for kind in KINDS
    }
    for kind in KINDS:
        known = [target for one in silent if one.write.action == "update" for target in one.targets(kind)]
        standing = {
            row.id: row for row in (books.mirror.read(ENTITY, kind, system, ids=known) if known else ())
        }
        rows[kind].extend(row for one in silent for row in one.as_written(kind, standing))
    see_rows(books, run_id, system, rows)


class _Settled:
    """What one write came to. Raises ProtocolFault where the answer leaves out which id a record got."""

    def __init__(self, system: str, run_id: str, result: Result[Sent]) -> None:
        self.system = system
        self.run_id = run_id
        self.result = result
        self.changes = result.changes
        self.write = result.answer.write
        self.written = result.answer.written
        after = self.written.after
        self.shown: dict[Kind, list[MirrorRow]] | None = (
            None if after is None else {kind: to_mirror(kind, after.of(kind)) for kind in KINDS}
        )
        self._targets = {change.id: self._target_of(change) for change in self.changes}
        self._dropped: dict[str, dict[str, str]] = {}
        for change_id, name, why in self.written.dropped:
            self._dropped.setdefault(change_id, {})[name] = why
        self._kept = {change.id: self._kept_of(change) for change in self.changes}

    def _target_of(self, change: ChangeRow) -> str:
        if change.kind == "product":
            return self.written.product_id
        found = self.written.variant_ids.get(change.id) or change.target_id
        if found is None:
            raise ProtocolFault(
                f"The answer does not say which id {change.label} got.",
                system=self.system,
                remedy="Run products for this SKU (keys): it is looked up and linked by its SKU.",
            )
        return found

    def _kept_of(self, change: ChangeRow) -> dict[str, Any]:
        """Only what the target is seen to hold was agreed on; where it shows nothing, what was sent counts."""
        dropped = self._dropped.get(change.id, {})
        sent = {name: value for name, value in change.after.items() if name not in dropped}
        if self.shown is None:
            return sent
        target = self._targets[change.id]
        kind: Kind = "product" if change.kind == "product" else "variant"
        shown = next((row.fields for row in self.shown[kind] if row.id == target), {})
        return {
            name: value for name, value in sent.items() if same(column_of(kind, name), shown.get(name), value)
        }

    # --- bindings and agreed values ---

    @property
    def creates(self) -> bool:
        return any(change.action == "create" for change in self.changes)

    def links(self, product: Link | None) -> list[Link]:
        """Links of what was created. `product`: the link of its product, where that is linked already."""
        made: list[Link] = []
        for change in self.changes:
            if change.kind == "product" and change.action == "create":
                product = product or self._link(change, None)
                made.append(product)
        for change in self.changes:
            if change.kind == "variant" and change.action == "create":
                made.append(self._link(change, product.id if product else None))
        return made

    def _link(self, change: ChangeRow, parent_id: str | None) -> Link:
        source, target = str(change.source_id), self._targets[change.id]
        commercetools, lightspeed = (target, source) if self.system == "commercetools" else (source, target)
        return Link(
            id=new_id(),
            entity=ENTITY,
            kind=change.kind,
            commercetools_id=commercetools,
            lightspeed_id=lightspeed,
            parent_id=parent_id,
            base=self._kept[change.id],
            matched_by="created",
            resent=self._sent(change, {}),
            run_id=self.run_id,
        )

    def updated(self, kind: Kind) -> Iterable[str]:
        """Targets of this kind that were there before."""
        return [str(c.target_id) for c in self.changes if c.kind == kind and c.action != "create"]

    def agreement(self, kind: Kind, target: str, link: Link) -> Agreement:
        change = next(
            c for c in self.changes if c.kind == kind and c.action != "create" and c.target_id == target
        )
        if change.action == "deactivate":
            # Nobody agreed: the partner is gone. What both sides wanted last is still what they wanted.
            why = str(change.reasons.get(ACTIVE) or "switched off")
            return Agreement(link.id, link.base, switched_off(link.resent, self.system, why))
        return Agreement(link.id, {**link.base, **self._kept[change.id]}, self._sent(change, link.resent))

    def _sent(self, change: ChangeRow, before: Mapping[str, Any]) -> dict[str, Any]:
        """How often each value was sent in a row, what the target said it can't hold, and what it `altered`: its own
        answer to the write shows another value. First sends of a creation are only kept where something was dropped or
        altered: they are many, and nothing was sent again yet."""
        sent = dict(before)
        dropped = self._dropped.get(change.id, {})
        for name, value in change.after.items():
            why = dropped.get(name)
            altered = why is None and name not in self._kept[change.id]
            if why is None and not altered and change.action == "create":
                continue
            mark = digest({name: value})
            earlier = sent.get(f"{self.system}.{name}") or {}
            times = int(earlier.get("times", 0)) + 1 if earlier.get("digest") == mark else 1
            sent[f"{self.system}.{name}"] = {"digest": mark, "times": times}
            if why is not None:
                sent[f"{self.system}.{name}"]["dropped"] = why
            if altered:
                sent[f"{self.system}.{name}"]["altered"] = True
        return sent

    # --- mirror and outcome ---

    def targets(self, kind: Kind) -> list[str]:
        return [self._targets[change.id] for change in self.changes if change.kind == kind]

    def as_written(self, kind: Kind, standing: Mapping[str, MirrorRow]) -> list[MirrorRow]:
        """Mirror rows of the records as they were sent, over what the mirror held of them (`standing`)."""
        return [
            self._as_written(change, standing.get(self._targets[change.id]))
            for change in self.changes
            if change.kind == kind
        ]

    def _as_written(self, change: ChangeRow, standing: MirrorRow | None) -> MirrorRow:
        fields = {**(standing.fields if standing else {}), **self._kept[change.id]}
        if standing is not None:
            # Newer than the row it was made from, so that a page read before the write can't put the old values back;
            # the target's own version of this write is at least as high and takes its place.
            version = None if standing.version is None else standing.version + 1
            kind: Kind = "product" if change.kind == "product" else "variant"
            label = label_of(kind, fields) or standing.label
            return replace(standing, label=label, fields=fields, digest=digest(fields), version=version)
        return MirrorRow(
            id=self._targets[change.id],
            parent_id=None if change.kind == "product" else self.written.product_id,
            label=change.label,
            digest=digest(fields),
            fields=fields,
            identity={"listed": True} if change.kind == "product" else {},
        )

    def outcomes(self) -> list[ChangeOutcome]:
        return [
            self.result.outcome(
                change,
                self._targets[change.id],
                self.written.version,
                list(self._dropped.get(change.id, {}).items()),
            )
            for change in self.changes
        ]
