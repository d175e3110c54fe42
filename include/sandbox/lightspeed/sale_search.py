"""Sales by what they are searched for at `/search?type=sales`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import Request

from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.sale_rows import Sale

_VALUES: dict[str, Callable[[Sale], set[str | None]]] = {
    "state": lambda sale: {sale.state},
    "status": lambda sale: {sale.status},
    "attributes": lambda sale: set(sale.attributes),
    "outlet_id": lambda sale: {sale.outlet_id},
    "register_id": lambda sale: {sale.register_id},
    "customer_id": lambda sale: {sale.customer_id},
    "user_id": lambda sale: {sale.user_id},
    "invoice_number": lambda sale: {sale.invoice_number},
    "product_id": lambda sale: {line.product_id for line in sale.lines},
    "payment_type_id": lambda sale: {each.config_id for each in sale.payments},
}


def matching_sales(request: Request, sales: list[Sale]) -> list[Sale]:
    """Each filter may be given several times: one of the values must fit. Raises 400 for a date that is none."""
    for name, of in _VALUES.items():
        wanted = set(request.query_params.getlist(name))
        if wanted:
            sales = [sale for sale in sales if of(sale) & wanted]
    since, until = _moment(request, "date_from"), _moment(request, "date_to")
    if since is not None:
        sales = [sale for sale in sales if datetime.fromisoformat(sale.date) >= since]
    if until is not None:
        sales = [sale for sale in sales if datetime.fromisoformat(sale.date) <= until]
    return sales


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name} must be a date") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
