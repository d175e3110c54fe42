"""The tree of product categories: listed by path, written and deleted in bulk."""

from __future__ import annotations

from typing import Any

from sandbox.lightspeed.errors import bad_request, invalid
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.wire import category_path


def listed(store: StoreState, parent: str | None, include: str) -> list[Record]:
    """All categories, or those below `parent` (its children only, with `include=children`), or the roots for `none`."""
    rows = store.categories.live()
    if parent == "none":
        rows = [row for row in rows if row.fields["parent_category_id"] is None]
    elif parent is not None and include == "children":
        rows = [row for row in rows if row.fields["parent_category_id"] == parent]
    elif parent is not None:
        rows = [row for row in rows if parent in [step.id for step in category_path(store, row)[:-1]]]
    return sorted(rows, key=lambda row: [step.name for step in category_path(store, row)])


def save(store: StoreState, given: Any) -> list[dict[str, Any]]:
    """Renames by `id`, creates the others; `payload_id` lets an entry name a parent of the same request."""
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise bad_request("categories must be a list of objects")
    created: dict[str, str] = {}
    saved = []
    for entry in given:
        parent_id = entry.get("parent_category_id") or created.get(
            entry.get("payload_parent_category_id", "")
        )
        if entry.get("payload_parent_category_id") and parent_id is None:
            raise invalid(
                "payload_parent_category_id names no earlier category", payload_parent_category_id="Not found"
            )
        row = _rename(store, entry) if entry.get("id") else _create(store, entry, parent_id)
        if entry.get("payload_id"):
            created[entry["payload_id"]] = row.id
        answer = {"id": row.id, "name": row.name, "parent_category_id": row.fields["parent_category_id"]}
        saved.append(answer | ({"payload_id": entry["payload_id"]} if entry.get("payload_id") else {}))
    return saved


def delete(store: StoreState, category_ids: Any) -> list[dict[str, Any]]:
    """Deletes categories with all below them; products go to the parent of the topmost one, if it is a leaf now."""
    if not isinstance(category_ids, list):
        raise bad_request("category_ids must be a list")
    answers = []
    for category_id in category_ids:
        top = store.categories.find(category_id)
        if top is None:
            raise invalid(f"Category {category_id} does not exist", category_ids="Not found")
        gone = [top, *listed(store, top.id, "family")]
        for row in gone:
            store.categories.delete(row)
            store.count_children(row.fields["parent_category_id"], -1)
        _move_products(store, {row.id for row in gone}, top.fields["parent_category_id"])
        answers.append({"ids": [row.id for row in gone], "job_id": store.new_id()})
    return answers


def add(store: StoreState, name: str, parent_id: str | None) -> Record:
    """A new category. Its parent is no leaf any more and can take no products."""
    row = store.add_record(store.categories, {"name": name, "parent_category_id": parent_id})
    store.count_children(parent_id, 1)
    return row


def _move_products(store: StoreState, gone: set[str], parent_id: str | None) -> None:
    target = parent_id if parent_id is not None and store.is_leaf(parent_id) else None
    moved = [product for product in store.products.live() if product.family.category_id in gone]
    for product in moved:
        product.family.category_id = target
        store.products.touch(product)


def _rename(store: StoreState, entry: dict[str, Any]) -> Record:
    row = store.categories.find(entry["id"])
    if row is None:
        raise invalid(f"Category {entry['id']} does not exist", id="Not found")
    row.fields["name"] = _name(entry)
    store.categories.touch(row)
    return row


def _create(store: StoreState, entry: dict[str, Any], parent_id: str | None) -> Record:
    name = _name(entry)
    if parent_id is not None and store.categories.find(parent_id) is None:
        raise invalid(f"Category {parent_id} does not exist", parent_category_id="Not found")
    siblings = [
        row.name.casefold()
        for row in store.categories.live()
        if row.fields["parent_category_id"] == parent_id
    ]
    if name.casefold() in siblings and store.options.duplicate_lookup_names == "reject":
        raise invalid(f"The category {name} already exists there", name="Already exists")
    return add(store, name, parent_id)


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("A category needs a name", name="Required")
    return name
