"""commercetools as the sandbox has it: an in-memory store and the HTTP API over it.

What lives here, from below: projects and their collections (`state`), what writes into them (`writing`), one `Kind` per
resource with its draft, update actions and checks, the query machinery (predicates, sort, paging, expansion), OAuth,
the store, and the app. What is inferred or unknown about the API is a switch of `Platform` or a named constant.

What it must not know: the other system, the shop files, and anything outside the sandbox.
"""

from sandbox.commercetools.app import create_app
from sandbox.commercetools.baskets import Basket, Extra, Item, Pay, Shipped
from sandbox.commercetools.deliveries import DeliveryOptions
from sandbox.commercetools.destinations import PushEndpoints
from sandbox.commercetools.errors import ApiError
from sandbox.commercetools.spec import RequestValidator
from sandbox.commercetools.state import Project
from sandbox.commercetools.store import CommercetoolsStore

__all__ = [
    "ApiError",
    "Basket",
    "CommercetoolsStore",
    "DeliveryOptions",
    "Extra",
    "Item",
    "Pay",
    "Project",
    "PushEndpoints",
    "RequestValidator",
    "Shipped",
    "create_app",
]
