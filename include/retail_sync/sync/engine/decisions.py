"""What people decided about records of a merge: which side of a conflict counts, and which of several is the partner.

A decision speaks of exactly what was shown when it was made, which its `about` is the fingerprint of; for other values
or other candidates it says nothing. The decisions themselves are made by `deciding` and kept in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import SystemName
from retail_sync.records.types import digest
from retail_sync.sync.engine.removals import REMOVAL, approved_removals

CONFLICT = "conflict"
"""Code of the hold that a field was changed on both sides, and of the decision which of them counts."""
MATCH = "match"
"""Code of the decision who the partner of a record is."""
BY_HAND = "a person"
"""How a pair was found that somebody chose."""
WINNERS: Mapping[str, SystemName] = {"left": "commercetools", "right": "lightspeed"}
"""Whose value counts, by verdict."""


@dataclass(frozen=True)
class Decided:
    """The decisions that a plan has to follow. `conflicts`: by subject and field. `partners`: by subject, the last
    one that was chosen."""

    conflicts: Mapping[tuple[str, str], Decision] = field(default_factory=dict)
    partners: Mapping[str, Decision] = field(default_factory=dict)
    removals: frozenset[str] = frozenset()
    """What is taken away because a person said so (`removals.Part.about`)."""

    @classmethod
    def of(cls, decisions: Sequence[Decision]) -> Decided:
        """Those of these decisions (the last ones of each subject, code and field) that a merge follows."""
        conflicts: dict[tuple[str, str], Decision] = {}
        partners: dict[str, Decision] = {}
        for one in decisions:
            if one.code == CONFLICT and one.verdict in WINNERS:
                conflicts[one.subject, one.field] = one
            elif one.code == MATCH and one.verdict == "approve":
                earlier = partners.get(one.subject)
                if earlier is None or (earlier.id or 0) < (one.id or 0):
                    partners[one.subject] = one
        return cls(conflicts, partners, approved_removals(decisions))

    def winner(self, subject: str, name: str, about: str) -> tuple[SystemName, str] | None:
        """Whose value counts in this conflict, and who said so; None where nobody did about these values."""
        said = self.conflicts.get((subject, name))
        return None if said is None or said.about != about else (WINNERS[said.verdict], said.by)

    def partner(self, subject: str, about: str) -> Decision | None:
        """Who was chosen (`field`) for a record among these candidates; None where nobody chose."""
        said = self.partners.get(subject)
        return None if said is None or said.about != about else said


def decided_of(ledger: Ledger, entity: str) -> Decided:
    """What people decided so far."""
    return Decided.of(ledger.decisions.latest(entity, codes=(CONFLICT, MATCH, REMOVAL)))


def about_conflict(kind: str, pair: Sequence[str], name: str, left: Any, right: Any, agreed: Any) -> str:
    """Fingerprint of a conflict: this field of this pair (ids of commercetools and Lightspeed), these two values, and
    what was agreed on before (plain values, private ones sealed)."""
    return digest(
        {
            "kind": kind,
            "pair": list(pair),
            "field": name,
            "commercetools": left,
            "lightspeed": right,
            "agreed": agreed,
        }
    )


def about_match(identifier: str, value: str, candidates: Mapping[str, Sequence[str]]) -> str:
    """Fingerprint of what several records of both systems are told apart by: everybody who bears the value."""
    return digest(
        {
            "identifier": identifier,
            "value": value,
            "candidates": {system: sorted(ids) for system, ids in candidates.items()},
        }
    )
