"""Payments: what is planned, and the transactions that happened. A change of a payment does not touch its order."""

from __future__ import annotations

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.custom_fields import CUSTOM_ACTIONS, typed_money
from sandbox.commercetools.errors import Json, invalid_operation
from sandbox.commercetools.prices import money, set_text, stored_money
from sandbox.commercetools.shapes import Shape, as_stored_moment, without_none
from sandbox.commercetools.state import Action, Context, Kind

TRANSACTION_TYPES = ("Authorization", "CancelAuthorization", "Charge", "Refund", "Chargeback")
TRANSACTION_STATES = ("Initial", "Pending", "Success", "Failure")

_state = shapes.one_of(*TRANSACTION_STATES)
_TRANSACTION = Shape(
    {"type": shapes.one_of(*TRANSACTION_TYPES), "amount": money},
    {
        "timestamp": shapes.moment,
        "interactionId": shapes.text,
        "interfaceId": shapes.text,
        "state": _state,
        "custom": shapes.mapping,
    },
)
_METHOD = Shape(
    optional={
        "paymentInterface": shapes.text,
        "method": shapes.text,
        "name": shapes.localized,
        "token": shapes.mapping,
        "interfaceAccount": shapes.text,
        "custom": shapes.mapping,
    }
)


def _transaction(context: Context, draft: Json) -> Json:
    made: Json = {
        "id": context.project.platform.new_id(),
        "timestamp": context.project.platform.now(),
        "state": "Initial",
        **typed_money(without_none(draft)),
    }
    made["timestamp"] = as_stored_moment(made["timestamp"])
    return made


def _build(context: Context, draft: Json) -> Json:
    given: Json = typed_money(context.project.resolved(context, draft))
    return {
        "paymentMethodInfo": {},
        "paymentStatus": {},
        "interfaceInteractions": [],
        **given,
        "transactions": [_transaction(context, each) for each in draft.get("transactions") or []],
    }


def _add_transaction(context: Context, payment: Json, action: Json) -> None:
    payment["transactions"].append(_transaction(context, action["transaction"]))


def _transaction_of(payment: Json, transaction_id: str) -> Json:
    for each in payment["transactions"]:
        if each["id"] == transaction_id:
            found: Json = each
            return found
    raise invalid_operation(f"The payment has no transaction '{transaction_id}'.")


def _change_state(context: Context, payment: Json, action: Json) -> None:
    _transaction_of(payment, action["transactionId"])["state"] = action["state"]


def _change_moment(context: Context, payment: Json, action: Json) -> None:
    _transaction_of(payment, action["transactionId"])["timestamp"] = as_stored_moment(action["timestamp"])


def _change_planned(context: Context, payment: Json, action: Json) -> None:
    payment["amountPlanned"] = stored_money(action["amount"])


def _set_method(given: str, name: str) -> Action:
    def apply(context: Context, payment: Json, action: Json) -> None:
        payment["paymentMethodInfo"].pop(name, None)
        if given in action:
            payment["paymentMethodInfo"][name] = action[given]

    return Action(apply, Shape(optional={given: shapes.text}))


PAYMENTS = Kind(
    path="payments",
    type_id="payment",
    draft=Shape(
        {"amountPlanned": money},
        {
            "key": shapes.key,
            "customer": shapes.reference,
            "anonymousId": shapes.text,
            "interfaceId": shapes.text,
            "paymentMethodInfo": shapes.shaped(_METHOD),
            "paymentStatus": shapes.mapping,
            "transactions": shapes.list_of(shapes.shaped(_TRANSACTION)),
            "interfaceInteractions": shapes.list_of(shapes.mapping),
            "custom": shapes.mapping,
        },
    ),
    build=_build,
    actions={
        "addTransaction": Action(_add_transaction, Shape({"transaction": shapes.shaped(_TRANSACTION)})),
        "changeTransactionState": Action(
            _change_state, Shape({"transactionId": shapes.text, "state": _state})
        ),
        "changeTransactionTimestamp": Action(
            _change_moment, Shape({"transactionId": shapes.text, "timestamp": shapes.moment})
        ),
        "changeAmountPlanned": Action(_change_planned, Shape({"amount": money})),
        "setMethodInfoMethod": _set_method("method", "method"),
        "setMethodInfoInterface": _set_method("interface", "paymentInterface"),
        "setInterfaceId": set_text("interfaceId"),
        "setKey": set_text("key", shapes.key),
        **CUSTOM_ACTIONS,
    },
    fields=queryable("customer anonymousId interfaceId amountPlanned paymentMethodInfo transactions"),
    scopes=("payments",),
    kept_while_referenced=True,
)
