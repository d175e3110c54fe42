"""Which records are the same thing: link first, then the configured identifiers, unique or not at all.

Empty identifiers never match. Uniqueness is judged over everything both systems hold, linked records included: a
SKU that a linked record already bears is taken. Two candidates are never guessed between; both are shown.

Identifiers are compared by their keys (`retail_sync.records.identifiers`) and shown as they are spelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pandas as pd

Key = Callable[[str], str]


@dataclass(frozen=True)
class Ambiguity:
    """A record that could be several things. `candidates` names every record that bears the identifier. `alike`: none
    bears it as the others do; it only looks alike."""

    system: str
    id: str
    identifier: str
    value: str
    candidates: dict[str, list[str]]
    alike: bool = False


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
    keys: Mapping[str, Key] = MappingProxyType({}),
) -> Matches:
    """Pairs of unlinked records, step by step in `order`. `keys`: the form in which identifiers are compared, where it
    is another than their own.

    `left` / `right`: per identifier a table with columns `id`, `value` (one row an identifier a record bears; a
    record may bear several values, such as barcodes) of commercetools and Lightspeed records that may take part.
    """
    taken_left, taken_right = set(linked_left), set(linked_right)
    pairs: list[pd.DataFrame] = []
    ambiguous: dict[tuple[str, str], Ambiguity] = {}
    for identifier in order:
        if identifier not in left or identifier not in right:
            continue
        shared, borne_left, borne_right = _shared(
            left[identifier], right[identifier], keys.get(identifier, str)
        )
        if shared.empty:
            continue
        # How many different records bear the value on each side, linked ones included.
        shared["bearers_left"] = shared["key"].map(borne_left.groupby("key")["id"].nunique())
        shared["bearers_right"] = shared["key"].map(borne_right.groupby("key")["id"].nunique())
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


def alike(
    left: pd.DataFrame,
    right: pd.DataFrame,
    linked_left: set[str],
    linked_right: set[str],
    identifier: str,
    looks: Key,
) -> list[Ambiguity]:
    """Records without a partner that bear an identifier which only looks like one of the other side (see `likeness`);
    to be called with what `match` left over."""
    shared, _, _ = _shared(left, right, looks)
    free = shared[~shared["id_left"].isin(linked_left) & ~shared["id_right"].isin(linked_right)]
    return [replace(one, alike=True) for one in _explain(free, free, identifier)]


def _shared(
    left: pd.DataFrame, right: pd.DataFrame, key: Key
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What both sides bear, by key, and what each bears."""
    borne_left, borne_right = _borne(left, key), _borne(right, key)
    return borne_left.merge(borne_right, on="key", suffixes=("_left", "_right")), borne_left, borne_right


def _borne(table: pd.DataFrame, key: Key) -> pd.DataFrame:
    """`id`, `value`, `key` of every identifier that says anything."""
    kept = table[table["value"].notna()].astype({"id": "object", "value": "object"})
    kept = kept.assign(key=[key(str(value)) for value in kept["value"].tolist()]).astype({"key": "object"})
    return kept[kept["key"] != ""].drop_duplicates(["id", "key"])


def _explain(unsure: pd.DataFrame, shared: pd.DataFrame, identifier: str) -> list[Ambiguity]:
    found: list[Ambiguity] = []
    for key in unsure["key"].drop_duplicates():
        together = shared[shared["key"] == key]
        spelled = str(together["value_left"].iloc[0])
        candidates = {
            "commercetools": sorted(set(together["id_left"])),
            "lightspeed": sorted(set(together["id_right"])),
        }
        rows = unsure[unsure["key"] == key]
        for system, column in (("commercetools", "id_left"), ("lightspeed", "id_right")):
            found.extend(
                Ambiguity(system, str(record), identifier, spelled, candidates)
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
