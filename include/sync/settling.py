"""What a successful write leaves in the ledger: bindings, agreed values, the mirror and the outcome, all or nothing.

Where nothing could be stored the change stays open with its attempt counted, so that the target is looked up before
anything is sent again: no twin is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.ledger.ledger import Ledger, Together
from include.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link, MirrorRow, new_id
from include.records.errors import ProtocolFault
from include.records.face import ProductWrite, Written
from include.records.products import Kind
from include.records.types import digest
from include.sync.mirroring import ENTITY, KINDS, see, to_mirror


def settle(
    ledger: Ledger,
    run_id: str,
    system: str,
    changes: Sequence[ChangeRow],
    write: ProductWrite,
    written: Written,
) -> None:
    """Store all that `written` says about `changes`, which were sent to `system` as `write`."""
    with ledger.together() as together:
        done = _Settlement(together, run_id, system, changes, write, written)
        done.bind()
        done.mirror()
        done.outcomes()


@dataclass
class _Settlement:
    ledger: Together
    run_id: str
    system: str
    changes: Sequence[ChangeRow]
    write: ProductWrite
    written: Written

    def __post_init__(self) -> None:
        self.dropped: dict[str, dict[str, str]] = {}
        for change_id, name, why in self.written.dropped:
            self.dropped.setdefault(change_id, {})[name] = why
        shown = self._shown()
        self.kept = {
            change.id: {
                name: value
                for name, value in change.after.items()
                if name not in self.dropped.get(change.id, {}) and self._is_shown(shown, change, name, value)
            }
            for change in self.changes
        }

    def _shown(self) -> dict[tuple[str, str], Mapping[str, Any]] | None:
        """The target's fields as its answer shows them; None where it shows nothing."""
        after = self.written.after
        if after is None:
            return None
        return {(kind, row.id): row.fields for kind in KINDS for row in to_mirror(kind, after.of(kind))}

    def _is_shown(
        self,
        shown: Mapping[tuple[str, str], Mapping[str, Any]] | None,
        change: ChangeRow,
        name: str,
        value: Any,
    ) -> bool:
        """Only what the target is seen to hold was agreed on; where it shows nothing, what was sent counts."""
        if shown is None:
            return True
        return bool(shown.get((change.kind, self.target_of(change)), {}).get(name) == value)

    def target_of(self, change: ChangeRow) -> str:
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

    # --- bindings and agreed values ---

    def bind(self) -> None:
        """Links of what was created; new agreed values of what was updated."""
        product = self._product_link()
        made = [self._made(change, product) for change in self.changes if change.action == "create"]
        links = [link for link in made if link is not None]
        if links:
            self.ledger.links.add(links)
        agreements = [agreement for kind in KINDS for agreement in self._agreements(kind)]
        if agreements:
            self.ledger.links.agree(agreements)

    def _product_link(self) -> Link | None:
        """The link of the unit's product: the standing one, or the one its creation makes. Nobody asks for it where
        nothing was created."""
        if all(change.action != "create" for change in self.changes):
            return None
        standing = self._links_of("product", [self.written.product_id])
        if standing:
            return standing[0]
        created = next((c for c in self.changes if c.kind == "product" and c.action == "create"), None)
        return self._link(created, None) if created is not None else None

    def _made(self, change: ChangeRow, product: Link | None) -> Link | None:
        if change.kind == "product":
            return product
        return self._link(change, product.id if product else None)

    def _link(self, change: ChangeRow, parent_id: str | None) -> Link:
        source, target = str(change.source_id), self.target_of(change)
        commercetools, lightspeed = (target, source) if self.system == "commercetools" else (source, target)
        return Link(
            id=new_id(),
            entity=ENTITY,
            kind=change.kind,
            commercetools_id=commercetools,
            lightspeed_id=lightspeed,
            parent_id=parent_id,
            base=self.kept[change.id],
            matched_by="created",
            resent=self._sent(change, {}),
            run_id=self.run_id,
        )

    def _agreements(self, kind: Kind) -> list[Agreement]:
        by_target = {str(c.target_id): c for c in self.changes if c.kind == kind and c.action != "create"}
        if not by_target:
            return []
        agreements: list[Agreement] = []
        for link in self._links_of(kind, list(by_target)):
            change = by_target[
                link.commercetools_id if self.system == "commercetools" else link.lightspeed_id
            ]
            base = {**link.base, **self.kept[change.id]}
            agreements.append(Agreement(link.id, base, self._sent(change, link.resent)))
        return agreements

    def _links_of(self, kind: str, records: Sequence[str]) -> list[Link]:
        if self.system == "commercetools":
            return self.ledger.links.read(ENTITY, kind, commercetools_ids=records)
        return self.ledger.links.read(ENTITY, kind, lightspeed_ids=records)

    def _sent(self, change: ChangeRow, before: Mapping[str, Any]) -> dict[str, Any]:
        """How often each value was sent in a row, and what the target said it can't hold. First sends of a creation are
        only kept where something was dropped: they are many, and nothing was sent again yet."""
        sent = dict(before)
        for name, value in change.after.items():
            mark, why = digest({name: value}), self.dropped.get(change.id, {}).get(name)
            earlier = sent.get(f"{self.system}.{name}") or {}
            times = int(earlier.get("times", 0)) + 1 if earlier.get("digest") == mark else 1
            if why is not None:
                sent[f"{self.system}.{name}"] = {"digest": mark, "times": times, "dropped": why}
            elif change.action != "create":
                sent[f"{self.system}.{name}"] = {"digest": mark, "times": times}
        return sent

    # --- mirror and outcome ---

    def mirror(self) -> None:
        """The mirror shows the target as it answered, or else as it was just written, until it is read again."""
        if self.written.after is not None:
            see(self.ledger, self.run_id, self.system, self.written.after)
            return
        for kind in KINDS:
            own = [change for change in self.changes if change.kind == kind]
            if own:
                standing = self._standing(kind, [self.target_of(change) for change in own])
                rows = [self._as_written(change, standing.get(self.target_of(change))) for change in own]
                self.ledger.mirror.see(ENTITY, kind, self.system, self.run_id, rows)

    def _standing(self, kind: Kind, ids: Sequence[str]) -> dict[str, MirrorRow]:
        if self.write.action == "create":
            return {}
        return {row.id: row for row in self.ledger.mirror.read(ENTITY, kind, self.system, ids=ids)}

    def _as_written(self, change: ChangeRow, standing: MirrorRow | None) -> MirrorRow:
        fields = {**(standing.fields if standing else {}), **self.kept[change.id]}
        if standing is not None:
            # Newer than the row it was made from, so that a page read before the write can't put the old values back;
            # the target's own version of this write is at least as high and takes its place.
            version = None if standing.version is None else standing.version + 1
            return replace(standing, fields=fields, digest=digest(fields), version=version)
        return MirrorRow(
            id=self.target_of(change),
            parent_id=None if change.kind == "product" else self.written.product_id,
            label=change.label,
            digest=digest(fields),
            fields=fields,
            identity={"listed": True} if change.kind == "product" else {},
        )

    def outcomes(self) -> None:
        self.ledger.changes.settle(
            [
                ChangeOutcome(
                    change_id=change.id,
                    outcome="already_there" if self.written.already_there else "applied",
                    exchange_ids=list(self.written.exchange_ids),
                    result_id=self.target_of(change),
                    result_version=self.written.version,
                    dropped=list(self.dropped.get(change.id, {}).items()),
                )
                for change in self.changes
            ]
        )
