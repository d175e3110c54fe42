"""What subscriptions are told: changes and messages as documents, in the Platform format and as CloudEvents.

Messages are those that the stand-in knows without effort: `OrderCreated`, `OrderImported`, `OrderStateChanged`,
`ReturnInfoAdded`, `ProductPublished`, `ProductUnpublished`, `InventoryEntryQuantitySet`, `CustomerCreated`. The ids of
CloudEvents of changes (`<id>-u4`) and their sources (`/my-shop/orders`) are as seen in the wild.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sandbox.commercetools.errors import Json
from sandbox.commercetools.products import current_projection
from sandbox.commercetools.shapes import words
from sandbox.commercetools.state import Deed, Kind, Project

Change = Literal["ResourceCreated", "ResourceUpdated", "ResourceDeleted"]

TOO_LARGE = "The payload is too large."

_LETTERS: dict[str, str] = {"ResourceCreated": "c", "ResourceUpdated": "u", "ResourceDeleted": "d"}
_QUANTITY_ACTIONS = frozenset({"changeQuantity", "addQuantity", "removeQuantity"})


def identifiers(type_id: str, resource: Json) -> Json:
    """What people call the resource: `resourceUserProvidedIdentifiers`, empty if they call it nothing."""
    if type_id == "key-value-document":
        return {"containerAndKey": {"container": resource["container"], "key": resource["key"]}}
    names = {
        "customer": ("key", "customerNumber", "externalId"),
        "order": ("key", "orderNumber"),
        "inventory-entry": ("key", "sku"),
        "category": ("key", "externalId", "slug"),
    }.get(type_id, ("key",))
    found = {name: resource[name] for name in names if name in resource}
    if type_id == "product":
        found["slug"] = resource["masterData"]["current"]["slug"]
    return found


def _envelope(project_key: str, kind: str, type_id: str, resource: Json) -> Json:
    named = identifiers(type_id, resource)
    return {
        "notificationType": kind,
        "projectKey": project_key,
        "resource": {"typeId": type_id, "id": resource["id"]},
        **({"resourceUserProvidedIdentifiers": named} if named else {}),
    }


def change_of(
    project_key: str, type_id: str, before: Json | None, after: Json | None, now: str, deed: Deed
) -> Json:
    """The notification of a change. That the version of what was deleted is its last one is inferred."""
    resource = after if after is not None else before
    assert resource is not None
    kind: Change = (
        "ResourceCreated" if before is None else "ResourceDeleted" if after is None else "ResourceUpdated"
    )
    told = _envelope(project_key, kind, type_id, resource) | {"version": resource["version"]}
    if before is not None and after is not None:
        told["oldVersion"] = before["version"]
    told["modifiedAt"] = resource["lastModifiedAt"] if after is not None else now
    if after is None and deed.erased:
        told["dataErasure"] = True
    return told


def first_contact(project_key: str, subscription: Json, now: str) -> Json:
    """The test notification: the subscription itself was created."""
    subscription = {"version": 1, "lastModifiedAt": now, **subscription}
    return change_of(project_key, "subscription", None, subscription, now, Deed())


@dataclass(frozen=True)
class Happening:
    """One message: its type, and the fields of that type, made when somebody wants them."""

    type: str
    fields: Callable[[], Json]


def happenings(
    project: Project, kind: Kind, before: Json | None, after: Json | None, deed: Deed
) -> Iterator[Happening]:
    """What a change means, in the words of messages."""
    if after is None:
        return
    if kind.type_id == "order":
        yield from _of_order(before, after, deed)
    elif kind.type_id == "product":
        yield from _of_product(project, before, after, deed)
    elif kind.type_id == "inventory-entry" and before is not None:
        yield from _of_stock(before, after, deed)
    elif kind.type_id == "customer" and before is None:
        yield Happening("CustomerCreated", lambda: {"customer": after})


def _of_order(before: Json | None, after: Json, deed: Deed) -> Iterator[Happening]:
    if before is None:
        # Only imports are made from a draft here; the others come of a cart.
        yield Happening("OrderImported" if deed.from_draft else "OrderCreated", lambda: {"order": after})
        return
    if before["orderState"] != after["orderState"]:
        states = {"orderState": after["orderState"], "oldOrderState": before["orderState"]}
        yield Happening("OrderStateChanged", lambda: states)
    for info in after["returnInfo"][len(before["returnInfo"]) :]:
        yield Happening("ReturnInfoAdded", lambda info=info: {"returnInfo": info})  # type: ignore[misc]


def _of_product(project: Project, before: Json | None, after: Json, deed: Deed) -> Iterator[Happening]:
    published = [action for action in deed.actions if action.get("action") == "publish"]
    was_published = before is not None and before["masterData"]["published"]
    if after["masterData"]["published"] and (published or not was_published):
        scope = published[-1].get("scope", "All") if published else "All"

        def fields() -> Json:
            projection = current_projection(project, after)
            return {"productProjection": projection, "removedImageUrls": [], "scope": scope}

        yield Happening("ProductPublished", fields)
    elif was_published and not after["masterData"]["published"]:
        yield Happening("ProductUnpublished", dict)


def _of_stock(before: Json, after: Json, deed: Deed) -> Iterator[Happening]:
    """Only people and programs that set a quantity are told of by a message, orders that take stock are not
    (documented)."""
    if not any(action.get("action") in _QUANTITY_ACTIONS for action in deed.actions):
        return
    fields: Json = {
        "oldQuantityOnStock": before["quantityOnStock"],
        "newQuantityOnStock": after["quantityOnStock"],
        "oldAvailableQuantity": before["availableQuantity"],
        "newAvailableQuantity": after["availableQuantity"],
        **{name: after[name] for name in ("sku", "supplyChannel") if name in after},
    }
    yield Happening("InventoryEntryQuantitySet", lambda: fields)


def message_of(
    project_key: str, type_id: str, resource: Json, happening: Happening, *, id: str, number: int, now: str
) -> Json:
    """The notification of a message. `id`: of the message; `number`: which message of this resource it is."""
    return {
        **_envelope(project_key, "Message", type_id, resource),
        "id": id,
        "version": 1,
        "sequenceNumber": number,
        "resourceVersion": resource["version"],
        "createdAt": now,
        "lastModifiedAt": now,
        "type": happening.type,
        **happening.fields(),
    }


_KEPT = frozenset(
    words(
        "notificationType projectKey resource resourceUserProvidedIdentifiers id version sequenceNumber",
        "resourceVersion createdAt lastModifiedAt",
    )
)


def shortened(message: Json) -> Json:
    """A message that is too large for its destination: what is left says so."""
    kept = {name: value for name, value in message.items() if name in _KEPT}
    return {**kept, "payloadNotIncluded": {"reason": TOO_LARGE, "payloadType": message["type"]}}


def as_cloud_event(notification: Json, path: str) -> Json:
    """The notification as the data of a CloudEvent 1.0. `path`: of the resource's collection, such as `orders`."""
    resource, key = notification["resource"], notification["projectKey"]
    kind = notification["notificationType"]
    event: Json = {"specversion": "1.0", "source": f"/{key}/{path}", "subject": resource["id"]}
    if kind == "Message":
        left_out = notification.get("payloadNotIncluded")
        type_ = left_out["payloadType"] if left_out is not None else notification["type"]
        event |= {
            "id": notification["id"],
            "type": f"com.commercetools.{resource['typeId']}.message.{type_}",
            "time": notification["createdAt"],
            "sequence": str(notification["sequenceNumber"]),
            "sequencetype": "Integer",
            "dataref": f"/{key}/messages/{notification['id']}",
        }
    else:
        event |= {
            "id": f"{resource['id']}-{_LETTERS[kind]}{notification['version']}",
            "type": f"com.commercetools.{resource['typeId']}.change.{kind}",
            "time": notification["modifiedAt"],
        }
    return {**event, "data": notification}
