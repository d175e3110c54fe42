"""Returns of an order: what comes back, in which state, and whether it is refunded. Stock does not move by them."""

from __future__ import annotations

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import Json, invalid_field, invalid_input, invalid_operation
from sandbox.commercetools.shapes import Shape, as_stored_moment
from sandbox.commercetools.state import Action, Context

_SHIPMENT = shapes.one_of("Advised", "Returned", "BackInStock", "Unusable")
_PAYMENT = shapes.one_of("NonRefundable", "Initial", "Refunded", "NotRefunded")

_NEXT = {
    "Advised": {"Returned"},
    "Returned": {"BackInStock", "Unusable"},
    "Initial": {"Refunded", "NotRefunded"},
}
"""States that may follow one another (inferred from their descriptions)."""

_FIRST_PAYMENT = {"Advised": "NonRefundable", "Returned": "Initial"}
"""The payment state that comes with a shipment state."""

_ITEM = Shape(
    {"quantity": shapes.integer, "shipmentState": _SHIPMENT},
    {
        "key": shapes.key,
        "lineItemId": shapes.text,
        "customLineItemId": shapes.text,
        "comment": shapes.text,
        "custom": shapes.mapping,
    },
)


def _return_item(context: Context, order: Json, draft: Json) -> Json:
    if draft["shipmentState"] not in _FIRST_PAYMENT:
        allowed: list[object] = [*_FIRST_PAYMENT]
        raise invalid_field("shipmentState", draft["shipmentState"], "A return starts otherwise.", allowed)
    name, lines = (
        ("customLineItemId", order["customLineItems"])
        if "customLineItemId" in draft
        else ("lineItemId", order["lineItems"])
    )
    if draft.get(name) not in [line.get("id") for line in lines]:
        raise invalid_field(name, draft.get(name), "The order has no such line item.")
    now = context.project.platform.now()
    return {
        "id": context.project.platform.new_id(),
        "type": "LineItemReturnItem" if name == "lineItemId" else "CustomLineItemReturnItem",
        **context.project.resolved(context, draft),
        "paymentState": _FIRST_PAYMENT[draft["shipmentState"]],
        "createdAt": now,
        "lastModifiedAt": now,
    }


def _add_return_info(context: Context, order: Json, action: Json) -> None:
    info: Json = {"items": [_return_item(context, order, item) for item in action["items"]]}
    if "returnTrackingId" in action:
        info["returnTrackingId"] = action["returnTrackingId"]
    if "returnDate" in action:
        info["returnDate"] = as_stored_moment(action["returnDate"])
    order["returnInfo"] = [*order["returnInfo"], info]


def _returned(order: Json, action: Json) -> Json:
    """The return item that the action names, by id or key."""
    for info in order["returnInfo"]:
        for item in info["items"]:
            by_id = "returnItemId" in action and item["id"] == action["returnItemId"]
            if by_id or ("returnItemKey" in action and item.get("key") == action["returnItemKey"]):
                found: Json = item
                return found
    raise invalid_input("The order has no such return item.")


def _set_state(name: str, check: shapes.Check) -> Action:
    def apply(context: Context, order: Json, action: Json) -> None:
        item, state = _returned(order, action), action[name]
        if state == item[name]:
            return
        if state not in _NEXT.get(item[name], set()):
            raise invalid_operation(f"The {name} of a return cannot go from {item[name]} to {state}.")
        item[name] = state
        item["lastModifiedAt"] = context.project.platform.now()
        if state == "Returned":
            item["paymentState"] = _FIRST_PAYMENT[state]

    named = {"returnItemId": shapes.text, "returnItemKey": shapes.text}
    return Action(apply, Shape({name: check}, named))


RETURN_ACTIONS = {
    "addReturnInfo": Action(
        _add_return_info,
        Shape(
            {"items": shapes.list_of(shapes.shaped(_ITEM))},
            {"returnTrackingId": shapes.text, "returnDate": shapes.moment},
        ),
    ),
    "setReturnShipmentState": _set_state("shipmentState", _SHIPMENT),
    "setReturnPaymentState": _set_state("paymentState", _PAYMENT),
}
