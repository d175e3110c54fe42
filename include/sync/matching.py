"""Which records are the same thing: link first, then the configured identifiers, unique or not at all.

Empty identifiers never match. Uniqueness is judged over everything both systems hold, linked records included: a
SKU that a linked record already bears is taken. Two candidates are never guessed between; both are shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Ambiguity:
    """A record that could be several things. `candidates` names every record that bears the identifier."""

    system: str
    id: str
    identifier: str
    value: str
    candidates: dict[str, list[str]]


@dataclass
class Matches:
    """`pairs`: columns commercetools_id, lightspeed_id, matched_by. `ambiguous`: records that must be held."""

    pairs: pd.DataFrame
    ambiguous: list[Ambiguity] = field(default_factory=list)


def match(
    left: dict[str, pd.DataFrame],
    right: dict[str, pd.DataFrame],
    linked_left: set[str],
    linked_right: set[str],
    order: tuple[str, ...],
) -> Matches:
    """Pairs of unlinked records, step by step in `order`.

    `left` / `right`: per identifier a table with columns `id`, `value` (one row an identifier a record bears; a
    record may bear several values, such as barcodes) of commercetools and Lightspeed records that may take part.
    """
    taken_left, taken_right = set(linked_left), set(linked_right)
    pairs: list[pd.DataFrame] = []
    ambiguous: dict[tuple[str, str], Ambiguity] = {}
    for identifier in order:
        if identifier not in left or identifier not in right:
            continue
        borne_left, borne_right = _borne(left[identifier]), _borne(right[identifier])
        shared = borne_left.merge(borne_right, on="value", suffixes=("_left", "_right"))
        if shared.empty:
            continue
        # How many different records bear the value on each side, linked ones included.
        shared["bearers_left"] = shared["value"].map(borne_left.groupby("value")["id"].nunique())
        shared["bearers_right"] = shared["value"].map(borne_right.groupby("value")["id"].nunique())
        free = shared[~shared["id_left"].isin(taken_left) & ~shared["id_right"].isin(taken_right)]
        unique = free[(free["bearers_left"] == 1) & (free["bearers_right"] == 1)]
        # A record whose values point to different partners (two barcodes, two products) matches none of them.
        unique = unique.drop_duplicates(["id_left", "id_right"])
        torn = unique[unique["id_left"].duplicated(keep=False) | unique["id_right"].duplicated(keep=False)]
        sure = unique[~unique.index.isin(torn.index)]
        unsure = pd.concat([free[(free["bearers_left"] > 1) | (free["bearers_right"] > 1)], torn])
        for ambiguity in _explain(unsure, shared, identifier):
            ambiguous.setdefault((ambiguity.system, ambiguity.id), ambiguity)
        # Whoever is ambiguous by a stronger identifier is not matched by a weaker one.
        unclear_left = {i for system, i in ambiguous if system == "commercetools"}
        unclear_right = {i for system, i in ambiguous if system == "lightspeed"}
        sure = sure[~sure["id_left"].isin(unclear_left) & ~sure["id_right"].isin(unclear_right)]
        pairs.append(
            pd.DataFrame(
                {
                    "commercetools_id": sure["id_left"].astype("object"),
                    "lightspeed_id": sure["id_right"].astype("object"),
                    "matched_by": identifier,
                }
            )
        )
        taken_left |= set(sure["id_left"])
        taken_right |= set(sure["id_right"])
    empty = pd.DataFrame({"commercetools_id": [], "lightspeed_id": [], "matched_by": []}, dtype="object")
    together = pd.concat(pairs, ignore_index=True) if pairs else empty
    return Matches(pairs=together, ambiguous=list(ambiguous.values()))


def _borne(table: pd.DataFrame) -> pd.DataFrame:
    kept = table[table["value"].notna() & (table["value"].astype("string") != "")]
    return kept.astype({"id": "object", "value": "object"}).drop_duplicates(["id", "value"])


def _explain(unsure: pd.DataFrame, shared: pd.DataFrame, identifier: str) -> list[Ambiguity]:
    found: list[Ambiguity] = []
    for value in unsure["value"].drop_duplicates():
        together = shared[shared["value"] == value]
        candidates = {
            "commercetools": sorted(set(together["id_left"])),
            "lightspeed": sorted(set(together["id_right"])),
        }
        rows = unsure[unsure["value"] == value]
        for system, column in (("commercetools", "id_left"), ("lightspeed", "id_right")):
            found.extend(
                Ambiguity(system, str(record), identifier, str(value), candidates)
                for record in rows[column].drop_duplicates()
            )
    return found


def explode_json(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """`id`, `value` rows of a list-typed column (canonical JSON text)."""
    if column not in frame.columns:
        return pd.DataFrame({"id": [], "value": []}, dtype="object")
    known = frame[frame[column].notna()]
    lists: list[list[Any]] = [json.loads(text) for text in known[column]]
    return (
        pd.DataFrame({"id": known["id"].astype("object").to_numpy(), "value": lists})
        .explode("value")
        .dropna()
    )
