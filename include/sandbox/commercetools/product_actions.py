"""Update actions of products. `staged` defaults to true: without `staged: false` or `publish` nothing goes live."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.commercetools import shapes
from sandbox.commercetools.attributes import (
    PRODUCT_LEVEL,
    VARIANT_LEVEL,
    check_same_for_all,
    definition_of,
    definitions,
    put_attribute,
    stored_value,
)
from sandbox.commercetools.errors import Json, invalid_field, invalid_input, invalid_operation
from sandbox.commercetools.prices import (
    check_scopes,
    price_draft,
    price_drafts,
    set_reference,
    set_text,
    stored_price,
)
from sandbox.commercetools.products import (
    IMAGE,
    PRODUCT_DRAFT,
    PRODUCT_FIELDS,
    VARIANT_DRAFT,
    answered_product,
    build_product,
    check_product_delete,
    product_index,
    settle_product,
    stored_variant,
    unique_values,
    variants_of,
)
from sandbox.commercetools.shapes import Shape, copied
from sandbox.commercetools.state import Action, Context, Kind

Edit = Callable[[Context, Json, Json, Json], None]
"""(context, product, product data, action): changes the staged or the current data."""
Prepare = Callable[[Context, Json, Json], Json]
"""(context, product, action): what is decided once for both, such as new ids."""

_VARIANT = {"variantId": shapes.integer, "sku": shapes.text}


def _data_action(edit: Edit, shape: Shape, prepare: Prepare | None = None) -> Action:
    def apply(context: Context, product: Json, action: Json) -> None:
        master = product["masterData"]
        ready = prepare(context, product, action) if prepare is not None else action
        edit(context, product, master["staged"], ready)
        if action.get("staged", True) is False:
            edit(context, product, master["current"], copied(ready))

    return Action(apply, shape.plus(staged=shapes.boolean))


def _variant_of(data: Json, action: Json, id_name: str = "variantId") -> Json:
    """The variant an action names by id or by SKU. Raises `InvalidInput` where it names none or none is there."""
    id, sku = action.get(id_name), action.get("sku")
    if (id is None) == (sku is None):
        raise invalid_input(f"The action needs either '{id_name}' or 'sku'.")
    for variant in variants_of(data):
        if (id is not None and variant["id"] == id) or (sku is not None and variant.get("sku") == sku):
            return variant
    named = f"id '{id}'" if id is not None else f"SKU '{sku}'"
    raise invalid_input(f"The variant with {named} does not exist on the product.")


# --- words -----------------------------------------------------------------------------------------------------------


def _data_text(field: str, check: shapes.Check, *, required: bool = False) -> Action:
    def edit(context: Context, product: Json, data: Json, action: Json) -> None:
        _put(data, field, action)

    return _data_action(edit, Shape({field: check}) if required else Shape(optional={field: check}))


# --- categories, tax, state ------------------------------------------------------------------------------------------


def _resolve_category(context: Context, product: Json, action: Json) -> Json:
    return {**action, "category": context.reference(action["category"], "category")}


def _add_to_category(context: Context, product: Json, data: Json, action: Json) -> None:
    if action["category"] not in data["categories"]:
        data["categories"].append(action["category"])
    if "orderHint" in action:
        data["categoryOrderHints"][action["category"]["id"]] = action["orderHint"]


def _remove_from_category(context: Context, product: Json, data: Json, action: Json) -> None:
    data["categories"] = [category for category in data["categories"] if category != action["category"]]
    data["categoryOrderHints"].pop(action["category"]["id"], None)


def _set_category_order_hint(context: Context, product: Json, data: Json, action: Json) -> None:
    data["categoryOrderHints"].pop(action["categoryId"], None)
    if "orderHint" in action:
        data["categoryOrderHints"][action["categoryId"]] = action["orderHint"]


def _transition_state(context: Context, product: Json, action: Json) -> None:
    target = context.reference(action["state"], "state")
    states = context.project.by_type("state")
    before = states.find(id=product["state"]["id"]) if "state" in product else None
    allowed = before.get("transitions") if before is not None else None
    if allowed is not None and target not in allowed and not action.get("force", False):
        raise invalid_operation(
            f"The transition from state '{product['state']['id']}' to '{target['id']}' is not allowed."
        )
    product["state"] = target


# --- variants --------------------------------------------------------------------------------------------------------


def _new_variant(context: Context, product: Json, action: Json) -> Json:
    master = product["masterData"]
    taken = [variant["id"] for name in ("staged", "current") for variant in variants_of(master[name])]
    known = definitions(context, product)
    return {"variant": stored_variant(context, known, action, max(taken) + 1)}


def _add_variant(context: Context, product: Json, data: Json, action: Json) -> None:
    data["variants"].append(action["variant"])
    check_same_for_all(definitions(context, product), data)


def _remove_variant(context: Context, product: Json, data: Json, action: Json) -> None:
    variant = _variant_of(data, action, "id")
    if variant is data["masterVariant"]:
        raise invalid_operation("The master variant cannot be removed; make another one the master first.")
    data["variants"] = [other for other in data["variants"] if other is not variant]


def _change_master(context: Context, product: Json, data: Json, action: Json) -> None:
    variant = _variant_of(data, action)
    if variant is data["masterVariant"]:
        return
    others = [data["masterVariant"], *(other for other in data["variants"] if other is not variant)]
    data["masterVariant"], data["variants"] = variant, sorted(others, key=lambda other: int(other["id"]))


def _set_sku(context: Context, product: Json, data: Json, action: Json) -> None:
    variant = _variant_of(data, {"variantId": action["variantId"]})
    before = variant.get("sku")
    if before != action.get("sku") and context.project.ids_with_sku("inventory", before):
        raise invalid_operation(f"The SKU '{before}' has an inventory entry and cannot be changed.")
    _put(variant, "sku", action)


def _put(holder: Json, name: str, action: Json) -> None:
    """What the action gives under this name, or nothing."""
    holder.pop(name, None)
    if name in action:
        holder[name] = action[name]


def _set_variant_key(context: Context, product: Json, data: Json, action: Json) -> None:
    _put(_variant_of(data, action), "key", action)


# --- attributes ------------------------------------------------------------------------------------------------------


def _resolve_attribute(level: str) -> Prepare:
    def prepare(context: Context, product: Json, action: Json) -> Json:
        definition = definition_of(definitions(context, product), action["name"], level)
        if "value" not in action:
            return action
        return {**action, "value": stored_value(context, definition["type"], action["name"], action["value"])}

    return prepare


def _set_attribute(context: Context, product: Json, data: Json, action: Json) -> None:
    put_attribute(_variant_of(data, action), action["name"], action.get("value"))
    check_same_for_all(definitions(context, product), data)


def _set_attribute_everywhere(context: Context, product: Json, data: Json, action: Json) -> None:
    for variant in variants_of(data):
        put_attribute(variant, action["name"], copied(action.get("value")))


def _set_product_attribute(context: Context, product: Json, data: Json, action: Json) -> None:
    put_attribute(data, action["name"], action.get("value"))


# --- prices ----------------------------------------------------------------------------------------------------------


def _new_prices(context: Context, product: Json, action: Json) -> Json:
    return {**action, "prices": [stored_price(context, draft) for draft in action["prices"]]}


def _set_prices(context: Context, product: Json, data: Json, action: Json) -> None:
    check_scopes(action["prices"])
    _variant_of(data, action)["prices"] = action["prices"]


def _new_price(context: Context, product: Json, action: Json) -> Json:
    return {**action, "price": stored_price(context, action["price"])}


def _add_price(context: Context, product: Json, data: Json, action: Json) -> None:
    variant = _variant_of(data, action)
    variant["prices"].append(action["price"])
    check_scopes(variant["prices"])


def _price_place(data: Json, id: str) -> tuple[list[Json], int]:
    for variant in variants_of(data):
        for position, price in enumerate(variant["prices"]):
            if price["id"] == id:
                return variant["prices"], position
    raise invalid_operation(f"No price with the id '{id}' exists on the product.")


def _change_price(context: Context, product: Json, data: Json, action: Json) -> None:
    prices, position = _price_place(data, action["priceId"])
    prices[position] = {**action["price"], "id": action["priceId"]}
    check_scopes(prices)


def _remove_price(context: Context, product: Json, data: Json, action: Json) -> None:
    prices, position = _price_place(data, action["priceId"])
    del prices[position]


# --- images ----------------------------------------------------------------------------------------------------------


def _image_place(data: Json, action: Json) -> tuple[list[Json], int]:
    images = _variant_of(data, action)["images"]
    for position, image in enumerate(images):
        if image["url"] == action["imageUrl"]:
            return images, position
    raise invalid_operation(f"The variant has no image with the URL '{action['imageUrl']}'.")


def _add_image(context: Context, product: Json, data: Json, action: Json) -> None:
    _variant_of(data, action)["images"].append(action["image"])


def _remove_image(context: Context, product: Json, data: Json, action: Json) -> None:
    images, position = _image_place(data, action)
    del images[position]


def _move_image(context: Context, product: Json, data: Json, action: Json) -> None:
    images, position = _image_place(data, action)
    if not 0 <= action["position"] < len(images):
        raise invalid_field(
            "position", action["position"], f"The position must be within 0 and {len(images) - 1}."
        )
    images.insert(action["position"], images.pop(position))


def _set_image_label(context: Context, product: Json, data: Json, action: Json) -> None:
    images, position = _image_place(data, action)
    _put(images[position], "label", action)


# --- publishing ------------------------------------------------------------------------------------------------------


def _publish(context: Context, product: Json, action: Json) -> None:
    master = product["masterData"]
    if action.get("scope", "All") == "All":
        master["current"] = copied(master["staged"])
    else:
        staged = {variant["id"]: variant for variant in variants_of(master["staged"])}
        for variant in variants_of(master["current"]):
            if variant["id"] in staged:
                variant["prices"] = copied(staged[variant["id"]]["prices"])
    master["published"] = True


def _unpublish(context: Context, product: Json, action: Json) -> None:
    product["masterData"]["published"] = False


def _revert(context: Context, product: Json, action: Json) -> None:
    product["masterData"]["staged"] = copied(product["masterData"]["current"])


_ATTRIBUTE = Shape({"name": shapes.text}, {"value": shapes.anything})

ACTIONS: dict[str, Action] = {
    "setKey": set_text("key", shapes.key),
    "changeName": _data_text("name", shapes.localized, required=True),
    "setDescription": _data_text("description", shapes.localized),
    "changeSlug": _data_text("slug", shapes.slug, required=True),
    "setMetaTitle": _data_text("metaTitle", shapes.localized),
    "setMetaDescription": _data_text("metaDescription", shapes.localized),
    "setMetaKeywords": _data_text("metaKeywords", shapes.localized),
    "setSearchKeywords": _data_text("searchKeywords", shapes.mapping, required=True),
    "addToCategory": _data_action(
        _add_to_category, Shape({"category": shapes.reference}, {"orderHint": shapes.text}), _resolve_category
    ),
    "removeFromCategory": _data_action(
        _remove_from_category, Shape({"category": shapes.reference}), _resolve_category
    ),
    "setCategoryOrderHint": _data_action(
        _set_category_order_hint, Shape({"categoryId": shapes.text}, {"orderHint": shapes.text})
    ),
    "setTaxCategory": set_reference("taxCategory", "tax-category"),
    "transitionState": Action(
        _transition_state, Shape({"state": shapes.reference}, {"force": shapes.boolean})
    ),
    "addVariant": _data_action(_add_variant, VARIANT_DRAFT, _new_variant),
    "removeVariant": _data_action(
        _remove_variant, Shape(optional={"id": shapes.integer, "sku": shapes.text})
    ),
    "changeMasterVariant": _data_action(_change_master, Shape(optional=_VARIANT)),
    "setSku": _data_action(_set_sku, Shape({"variantId": shapes.integer}, {"sku": shapes.text})),
    "setProductVariantKey": _data_action(_set_variant_key, Shape(optional={**_VARIANT, "key": shapes.key})),
    "setAttribute": _data_action(
        _set_attribute, _ATTRIBUTE.plus(**_VARIANT), _resolve_attribute(VARIANT_LEVEL)
    ),
    "setAttributeInAllVariants": _data_action(
        _set_attribute_everywhere, _ATTRIBUTE, _resolve_attribute(VARIANT_LEVEL)
    ),
    "setProductAttribute": _data_action(
        _set_product_attribute, _ATTRIBUTE, _resolve_attribute(PRODUCT_LEVEL)
    ),
    "setPrices": _data_action(_set_prices, Shape({"prices": price_drafts}, _VARIANT), _new_prices),
    "addPrice": _data_action(_add_price, Shape({"price": price_draft}, _VARIANT), _new_price),
    "changePrice": _data_action(
        _change_price, Shape({"priceId": shapes.text, "price": price_draft}), _new_price
    ),
    "removePrice": _data_action(_remove_price, Shape({"priceId": shapes.text})),
    "setPriceMode": set_text("priceMode", shapes.one_of("Embedded", "Standalone")),
    "addExternalImage": _data_action(_add_image, Shape({"image": IMAGE}, _VARIANT)),
    "removeImage": _data_action(_remove_image, Shape({"imageUrl": shapes.text}, _VARIANT)),
    "moveImageToPosition": _data_action(
        _move_image, Shape({"imageUrl": shapes.text, "position": shapes.integer}, _VARIANT)
    ),
    "setImageLabel": _data_action(
        _set_image_label, Shape({"imageUrl": shapes.text}, {**_VARIANT, "label": shapes.text})
    ),
    "publish": Action(_publish, Shape(optional={"scope": shapes.one_of("All", "Prices")})),
    "unpublish": Action(_unpublish),
    "revertStagedChanges": Action(_revert),
}


PRODUCTS = Kind(
    path="products",
    type_id="product",
    draft=PRODUCT_DRAFT,
    build=build_product,
    actions=ACTIONS,
    fields=PRODUCT_FIELDS,
    scopes=("products",),
    unique=unique_values,
    check=settle_product,
    render=answered_product,
    check_delete=check_product_delete,
    index=product_index,
)
