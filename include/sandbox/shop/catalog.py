"""Categories, tax categories and product types: what product rows refer to by name."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.shop.attributes import attribute_of, derived_definitions
from sandbox.shop.files import Row, as_key, read_csv, read_drafts, without_empty
from sandbox.shop.model import Draft, ShopError

_LOCALIZED = ("name", "slug", "description", "metaTitle", "metaDescription", "metaKeywords")
_TYPE_FIELDS = ("key", "name", "description")
_DEFINITION_FIELDS = (
    *(
        "type",
        "name",
        "label",
        "isRequired",
        "level",
        "attributeConstraint",
        "inputTip",
        "inputHint",
        "isSearchable",
    ),
)
_SPLIT_LIST = re.compile(r"\s*;\s*")


class Categories:
    """The category drafts, parents first, and how to find them by the names a product gives."""

    def __init__(self, file: Path, locales: list[str]) -> None:
        rows = read_csv(file, required=("id",)) if file.exists() else []
        self._parent: dict[str, str] = {row.text("id"): row.text("parentId") for row in rows}
        self._keys: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        drafts: dict[str, Draft] = {}
        for row in rows:
            identity = row.text("id")
            if not identity or identity in drafts:
                raise row.error("has no id, or one used above.", "Give every category an id of its own.")
            drafts[identity] = self._draft(row, locales)
            for name in {*drafts[identity]["name"].values(), drafts[identity]["key"]}:
                self._by_name.setdefault(name, []).append(identity)
        for row in rows:
            parent = row.text("parentId")
            if not parent:
                continue
            if parent not in drafts:
                raise row.error(
                    f"has the parent {parent}, which is not in this file.", "Export the parent, too."
                )
            drafts[row.text("id")]["parent"] = {"typeId": "category", "key": self._keys[parent]}
        self.drafts = [
            drafts[identity] for identity in sorted(drafts, key=lambda each: len(self._path(each, file)))
        ]

    def _draft(self, row: Row, locales: list[str]) -> Draft:
        draft: Draft = {column: texts for column in _LOCALIZED if (texts := row.localized(column))}
        if "name" not in draft:
            raise row.error("has no name in any locale.", "Fill one of the name.<locale> columns.")
        slug = draft.setdefault(
            "slug", {locale: as_key(name).lower() for locale, name in draft["name"].items()}
        )
        slugs = [slug[locale] for locale in (*locales, *slug) if locale in slug]
        key = row.text("key") or as_key(slugs[0])
        if not key or key in self._keys.values():
            key = as_key(f"{key}-{row.text('id')[:8]}")
        self._keys[row.text("id")] = key
        draft["key"] = key
        for column in ("orderHint", "externalId"):
            if row.text(column):
                draft[column] = row.text(column)
        return draft

    def _path(self, identity: str, file: Path) -> list[str]:
        path = [identity]
        while parent := self._parent[path[-1]]:
            if parent in path:
                raise ShopError(
                    f"category {self._keys[parent]} is its own ancestor.",
                    file=file,
                    remedy="Correct parentId.",
                )
            path.append(parent)
        return path

    def references(self, row: Row) -> list[Draft]:
        """The categories a product row names. A name several categories share means the one with most
        parents and children among the others."""
        names = [name for name in _SPLIT_LIST.split(row.text("categories")) if name]
        return [{"typeId": "category", "key": self._keys[self._find(name, names, row)]} for name in names]

    def _find(self, name: str, names: list[str], row: Row) -> str:
        candidates = self._by_name.get(name, [])
        if not candidates:
            raise row.error(
                f"names the category {name!r}, which categories.csv does not have.", "Add it there."
            )
        if len(candidates) > 1:
            named = {
                identity for other in names if other != name for identity in self._by_name.get(other, [])
            }
            kin = {each: self._kin(each, named) for each in candidates}
            candidates = [each for each in candidates if kin[each] == max(kin.values())]
        if len(candidates) != 1:
            raise row.error(
                f"names the category {name!r}, which several categories are called.",
                "Write the category's key instead.",
            )
        return candidates[0]

    def _kin(self, identity: str, named: set[str]) -> int:
        """How many of the named categories are the parent or a child of this one."""
        return sum(other == self._parent[identity] or self._parent[other] == identity for other in named)


class TaxCategories:
    """The tax category drafts, found by key or name."""

    def __init__(self, file: Path) -> None:
        self.drafts: list[Draft] = []
        self._keys: dict[str, str] = {}
        for position, raw in enumerate(read_drafts(file), start=1):
            draft = without_empty(raw)
            if "name" not in draft:
                raise ShopError(f"tax category {position} has no name.", file=file, remedy="Give it a name.")
            draft["key"] = draft.get("key") or as_key(draft["name"])
            draft["rates"] = [{k: v for k, v in rate.items() if k != "id"} for rate in draft.get("rates", [])]
            self.drafts.append(draft)
            self._keys[draft["name"]] = draft["key"]
        self._keys |= {draft["key"]: draft["key"] for draft in self.drafts}

    def reference(self, row: Row) -> Draft | None:
        """The tax category a product row names, None where it names none."""
        name = row.text("tax")
        if not name:
            return None
        if name not in self._keys:
            raise row.error(
                f"names the tax category {name!r}, which tax-categories.json does not have.", "Add it there."
            )
        return {"typeId": "tax-category", "key": self._keys[name]}


class ProductTypes:
    """The product type drafts, found by `productTypeKey` or by name. A type nowhere defined is derived
    from the attribute columns of the file that uses it."""

    def __init__(self, file: Path) -> None:
        self.drafts: list[Draft] = []
        for raw in read_drafts(file):
            draft = {name: raw[name] for name in _TYPE_FIELDS if name in raw}
            draft["attributes"] = [_definition(each) for each in raw.get("attributes", [])]
            draft["key"] = draft.get("key") or as_key(draft["name"])
            draft.setdefault("description", draft["name"])
            self.drafts.append(draft)

    def of(self, row: Row, attribute_columns: list[str]) -> Draft:
        key, name = row.text("productTypeKey"), row.text("productType")
        if not key and not name:
            raise row.error("names no product type.", "Fill productType or productTypeKey.")
        for draft in self.drafts:
            if draft["key"] == key or (not key and name in (draft["name"], draft["key"])):
                return draft
        derived = {
            "key": key or as_key(name).lower(),
            "name": name or key,
            "description": name or key,
            "attributes": derived_definitions(attribute_columns),
        }
        self.drafts.append(derived)
        return derived


def _definition(raw: Draft) -> Draft:
    """An attribute definition as the API takes it: an export carries fields of the Merchant Center, too."""
    return {name: without_empty(raw[name]) for name in _DEFINITION_FIELDS if name in raw}


def check_columns(row: Row, columns: list[str], product_type: Draft) -> None:
    """Raise ShopError for a filled attribute cell that the row's product type knows nothing about."""
    known = {definition["name"] for definition in product_type.get("attributes", [])}
    for column in columns:
        if row.text(column) and attribute_of(column)[0] not in known and column not in known:
            raise row.error(
                f"column {column!r} is not an attribute of the product type {product_type['key']!r}.",
                "Add the attribute to product-type.json, or take the column out.",
            )
