"""Where things are sold and kept: channels, stores, product selections."""

from __future__ import annotations

from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.errors import Json, invalid_operation
from sandbox.commercetools.prices import change_value, channel_with_role, set_text
from sandbox.commercetools.shapes import Shape
from sandbox.commercetools.state import Action, Context, Kind, Project

# --- channels --------------------------------------------------------------------------------------------------------

ROLES = ("InventorySupply", "ProductDistribution", "OrderExport", "OrderImport", "Primary")

_role_list = shapes.list_of(shapes.one_of(*ROLES))


def _build_channel(context: Context, draft: Json) -> Json:
    channel: Json = {"roles": ["InventorySupply"], **context.project.resolved(context, draft)}
    return channel


def _roles_action(change: Any) -> Action:
    """Role changes that change nothing are errors (documented)."""

    def apply(context: Context, channel: Json, action: Json) -> None:
        roles = change(channel["roles"], action["roles"])
        if set(roles) == set(channel["roles"]):
            raise invalid_operation(f"The roles are {', '.join(channel['roles']) or 'none'} already.")
        channel["roles"] = roles

    return Action(apply, Shape({"roles": _role_list}))


def _change_channel_key(context: Context, channel: Json, action: Json) -> None:
    if action["key"] == channel["key"]:
        raise invalid_operation(f"The key is '{channel['key']}' already.")
    channel["key"] = action["key"]


CHANNELS = Kind(
    path="channels",
    type_id="channel",
    draft=Shape(
        {"key": shapes.key},
        {
            "roles": _role_list,
            "name": shapes.localized,
            "description": shapes.localized,
            "address": shapes.mapping,
            "geoLocation": shapes.mapping,
            "custom": shapes.mapping,
        },
    ),
    build=_build_channel,
    actions={
        "addRoles": _roles_action(lambda old, given: [*old, *(role for role in given if role not in old)]),
        "removeRoles": _roles_action(lambda old, given: [role for role in old if role not in given]),
        "setRoles": _roles_action(lambda old, given: list(dict.fromkeys(given))),
        "changeKey": Action(_change_channel_key, Shape({"key": shapes.key})),
        "changeName": change_value("name", shapes.localized),
        "changeDescription": change_value("description", shapes.localized),
        "setAddress": set_text("address", shapes.mapping),
    },
    fields=queryable("roles name description address geoLocation reviewRatingStatistics"),
    scopes=("channels", "products"),
    kept_while_referenced=True,
)


# --- stores ----------------------------------------------------------------------------------------------------------


def _store_channels(context: Context, given: list[Json], role: str) -> list[Json]:
    return [channel_with_role(context, channel, role) for channel in given]


def _store_selections(context: Context, given: list[Json]) -> list[Json]:
    return [
        {
            "productSelection": context.reference(setting["productSelection"], "product-selection"),
            "active": setting.get("active", False),
        }
        for setting in given
    ]


def _build_store(context: Context, draft: Json) -> Json:
    store: Json = context.project.resolved(context, draft)
    return {
        **store,
        "languages": store.get("languages", []),
        "countries": store.get("countries", []),
        "distributionChannels": _store_channels(
            context, draft.get("distributionChannels") or [], "ProductDistribution"
        ),
        "supplyChannels": _store_channels(context, draft.get("supplyChannels") or [], "InventorySupply"),
        "productSelections": _store_selections(context, draft.get("productSelections") or []),
    }


def _set_store_channels(field: str, role: str) -> Action:
    def apply(context: Context, store: Json, action: Json) -> None:
        store[field] = _store_channels(context, action.get(field) or [], role)

    return Action(apply, Shape(optional={field: shapes.list_of(shapes.reference, at_most=100)}))


def _set_store_selections(context: Context, store: Json, action: Json) -> None:
    store["productSelections"] = _store_selections(context, action["productSelections"])


_SELECTIONS = shapes.list_of(
    shapes.shaped(Shape({"productSelection": shapes.reference}, {"active": shapes.boolean})), at_most=100
)

STORES = Kind(
    path="stores",
    type_id="store",
    draft=Shape(
        {"key": shapes.key},
        {
            "name": shapes.localized,
            "languages": shapes.list_of(shapes.text),
            "countries": shapes.list_of(shapes.mapping),
            "distributionChannels": shapes.list_of(shapes.reference, at_most=100),
            "supplyChannels": shapes.list_of(shapes.reference, at_most=100),
            "productSelections": _SELECTIONS,
            "custom": shapes.mapping,
        },
    ),
    build=_build_store,
    actions={
        "setName": set_text("name", shapes.localized),
        "setLanguages": set_text("languages", shapes.list_of(shapes.text)),
        "setCountries": set_text("countries", shapes.list_of(shapes.mapping)),
        "setDistributionChannels": _set_store_channels("distributionChannels", "ProductDistribution"),
        "setSupplyChannels": _set_store_channels("supplyChannels", "InventorySupply"),
        "setProductSelections": Action(_set_store_selections, Shape({"productSelections": _SELECTIONS})),
    },
    fields=queryable("name languages countries distributionChannels supplyChannels productSelections"),
    scopes=("stores",),
)


# --- product selections ----------------------------------------------------------------------------------------------


ASSIGNED = "_assigned"
"""Where a stored selection keeps its assignments, by product id; never answered."""


def _build_selection(context: Context, draft: Json) -> Json:
    return {"mode": "Individual", **context.project.resolved(context, draft), "productCount": 0, ASSIGNED: {}}


def _add_product(context: Context, selection: Json, action: Json) -> None:
    product = context.reference(action["product"], "product")
    assignment = {"product": product}
    if "variantSelection" in action:
        assignment["variantSelection"] = action["variantSelection"]
    selection[ASSIGNED][product["id"]] = assignment
    selection["productCount"] = len(selection[ASSIGNED])


def _remove_product(context: Context, selection: Json, action: Json) -> None:
    product = context.reference(action["product"], "product")
    if selection[ASSIGNED].pop(product["id"], None) is None:
        raise invalid_operation(f"The product '{product['id']}' is not in the selection.")
    selection["productCount"] = len(selection[ASSIGNED])


def _answered_selection(project: Project, selection: Json) -> Json:
    return {name: value for name, value in selection.items() if name != ASSIGNED}


PRODUCT_SELECTIONS = Kind(
    path="product-selections",
    type_id="product-selection",
    draft=Shape(
        {"name": shapes.localized},
        {
            "key": shapes.key,
            "custom": shapes.mapping,
            "mode": shapes.one_of("Individual", "IndividualExclusion"),
        },
    ),
    build=_build_selection,
    actions={
        "addProduct": Action(
            _add_product, Shape({"product": shapes.reference}, {"variantSelection": shapes.mapping})
        ),
        "removeProduct": Action(_remove_product, Shape({"product": shapes.reference})),
        "changeName": change_value("name", shapes.localized),
        "setKey": set_text("key", shapes.key),
    },
    fields=queryable("name mode productCount"),
    scopes=("product_selections",),
    render=_answered_selection,
)
