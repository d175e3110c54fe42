"""An order as the platform makes it of a cart: prices chosen, discounts taken off, taxes rounded, totals that add up.

Nothing of it is taken as given, unlike in an import. The API documents that a discount of the whole takes the same
share off `taxedPrice` and `taxedShippingPrice` (`Basket.off_shipping`); that it may spare shipping, and how it divides
among tax rates, is inferred. Of an order with several shipments the description says that taxes of lines are stated by
shipping method; that such lines have no `taxRate` and no `taxedPrice` of their own is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.commercetools import order_stock
from sandbox.commercetools.baskets import Basket, Extra, Item, Pay, Shipped
from sandbox.commercetools.errors import ApiError, Json, invalid_field
from sandbox.commercetools.orders import LINE_LISTS, ORDER_LISTS
from sandbox.commercetools.prices import channel_with_role, selected_price, stored_money
from sandbox.commercetools.products import variants_of
from sandbox.commercetools.shapes import copied, empty_lists
from sandbox.commercetools.shipping_methods import cost_of, shipping_rate
from sandbox.commercetools.state import Context, Project
from sandbox.commercetools.taxing import Units, cut, portions_of, spread, taxed
from sandbox.commercetools.writing import add, create

NO_PRICE = 100
"""What a unit costs whose variant has no price."""


def check_out(context: Context, basket: Basket) -> Json:
    """The stored order. Raises `ApiError` as the platform would: no stock, no tax rate for the country."""
    till = _CheckOut(context, basket)
    body = till.body()
    order_stock.check(context.project, body)
    # Payments come last: an order that fails leaves none behind.
    payments = [{"typeId": "payment", "id": id} for id in till.payments(body)]
    if payments:
        body["paymentInfo"] = {"payments": payments}
    return add(context.project.collection("orders"), context, {**body, **copied(dict(basket.fields))})


def cart_of(context: Context, basket: Basket) -> Json:
    """What the order would be; nothing is stored."""
    return _CheckOut(context, basket).body()


@dataclass
class _Sum:
    """What one tax rate comes to."""

    rate: Json
    total: int = 0
    net: int = 0
    gross: int = 0


class _CheckOut:
    def __init__(self, context: Context, basket: Basket) -> None:
        self._context = context
        self._project: Project = context.project
        self._basket = basket
        self._sums: dict[tuple[Any, ...], _Sum] = {}
        self._shipping: list[_Sum] = []
        self._total = 0

    def body(self) -> Json:
        basket = self._basket
        lines = [self._line(item) for item in basket.items]
        extras = [self._extra(extra) for extra in basket.extras]
        order: Json = {
            **self._who(),
            "orderState": "Open",
            "taxMode": "Platform" if basket.taxed else "Disabled",
            "taxRoundingMode": "HalfEven",
            "taxCalculationMode": "UnitPriceLevel" if basket.by_unit else "LineItemLevel",
            "priceRoundingMode": "HalfEven",
            "inventoryMode": basket.mode,
            "shippingMode": "Multiple" if basket.shipments else "Single",
            "origin": "Customer",
            "country": basket.country,
            "lineItems": lines,
            "customLineItems": extras,
        }
        order |= empty_lists(ORDER_LISTS)
        if basket.number is not None:
            order["orderNumber"] = basket.number
        if basket.store is not None:
            order["store"] = {"typeId": "store", "key": basket.store}
        # Off the goods only: shipping is not in any sum yet, and free of charge by what goods come to after it.
        discount = self._discount() if basket.total_discount and not basket.off_shipping else None
        if basket.shipped is not None:
            order["shippingInfo"] = self._shipped(basket.shipped)
        order["shipping"] = [self._shipment(one, order["shippingAddress"]) for one in basket.shipments]
        if basket.shipments:
            del order["shippingAddress"]
        if basket.total_discount and basket.off_shipping:
            discount = self._discount()
        if discount is not None:
            order["discountOnTotalPrice"] = discount
        order["totalPrice"] = self._money(self._total)
        if basket.taxed:
            order["taxedPrice"] = self._taxed_price([*self._sums.values(), *self._shipping])
            if self._shipping:
                order["taxedShippingPrice"] = self._taxed_price(self._shipping)
        return order

    def payments(self, order: Json) -> list[str]:
        """Ids of the payments, made now."""
        left = order["taxedPrice"]["totalGross"] if "taxedPrice" in order else order["totalPrice"]
        open_amount = left["centAmount"]
        made = []
        for pay in self._basket.payments:
            amount = open_amount if pay.amount is None else pay.amount
            open_amount -= amount
            made.append(self._payment(pay, amount))
        return made

    def _payment(self, pay: Pay, amount: int) -> str:
        moved = pay.transactions
        if moved is None:
            moved = (("Charge", "Success", amount),) if amount else ()
        info = {"method": pay.method, "paymentInterface": pay.interface}
        draft: Json = {
            "amountPlanned": self._cents(amount),
            "paymentMethodInfo": {name: value for name, value in info.items() if value is not None},
            "transactions": [
                {"type": kind, "state": state, "amount": self._cents(amount if some is None else some)}
                for kind, state, some in moved
            ],
        }
        if self._basket.customer is not None:
            draft["customer"] = {"typeId": "customer", "id": self._basket.customer}
        return str(create(self._project.collection("payments"), self._context, draft)["id"])

    # --- who ---

    def _who(self) -> Json:
        basket = self._basket
        address: Json = {
            "country": basket.country,
            "firstName": "Erika",
            "lastName": "Mustermann",
            "streetName": "Heidestraße",
            "streetNumber": "17",
            "postalCode": "51147",
            "city": "Köln",
        }
        who: Json = {}
        if basket.email is not None:
            who["customerEmail"] = basket.email
        if basket.customer is not None:
            customer = self._project.collection("customers").get(id=basket.customer)
            who["customerId"] = customer["id"]
            who.setdefault("customerEmail", customer["email"])
            address |= {name: customer[name] for name in ("firstName", "lastName") if name in customer}
        address |= basket.address
        return {**who, "shippingAddress": address, "billingAddress": dict(address)}

    # --- lines ---

    def _line(self, item: Item) -> Json:
        basket = self._basket
        product, variant = self._variant(item.sku)
        price = self._price(item, variant)
        unit = price.get("discounted", price)["value"]["centAmount"]
        units = _units(item.quantity, unit, ((item.quantity, 0),) if item.gift else item.groups)
        line: Json = {
            "id": self._project.platform.new_id(),
            "name": {self._project.settings["languages"][0]: item.sku},
            "variant": {"id": 1, "sku": item.sku} if variant is None else variant,
            "price": price,
            "quantity": item.quantity,
            "lineItemMode": "GiftLineItem" if item.gift else "Standard",
            "priceMode": "Platform",
            **empty_lists(LINE_LISTS),
        }
        if product is not None:
            data = product["masterData"]["current"]
            line |= {"productId": product["id"], "productType": product["productType"], "name": data["name"]}
        if item.groups or item.gift:
            line["discountedPricePerQuantity"] = self._per_quantity(units, unit)
        for name, key, role in (
            ("supplyChannel", item.channel, "InventorySupply"),
            ("distributionChannel", item.sold_by, "ProductDistribution"),
        ):
            if key is not None:
                line[name] = channel_with_role(self._context, {"typeId": "channel", "key": key}, role)
        category = product.get("taxCategory") if product is not None else None
        share = item.rate if item.rate is not None or category is not None else item.otherwise
        if basket.shipments:
            return line | self._amounts_by_method(item, units, category, share)
        return line | self._amounts(units, category, share)

    def _extra(self, extra: Extra) -> Json:
        line: Json = {
            "id": self._project.platform.new_id(),
            "name": {self._project.settings["languages"][0]: extra.name or extra.slug},
            "slug": extra.slug,
            "money": self._money(extra.money),
            "quantity": extra.quantity,
            "priceMode": "Standard",
            **empty_lists(LINE_LISTS),
        }
        category = None
        if extra.tax_category is not None:
            category = line["taxCategory"] = self._context.reference(
                {"typeId": "tax-category", "key": extra.tax_category}, "tax-category"
            )
        units = [(extra.quantity, extra.money)]
        if self._basket.shipments:
            return line | self._amounts_by_method(
                Item(extra.slug, extra.quantity), units, category, extra.rate
            )
        return line | self._amounts(units, category, extra.rate)

    def _amounts(self, units: list[Units], category: Json | None, share: float | None) -> Json:
        """Total and taxes of a line; it is counted in the order's sums."""
        total = sum(quantity * unit for quantity, unit in units)
        self._total += total
        amounts: Json = {"totalPrice": self._money(total)}
        if not self._basket.taxed:
            return amounts
        rate = self._rate(category, share)
        one = _Sum(rate, total, *taxed(rate, total, units if self._basket.by_unit else None))
        self._count(one)
        return amounts | {"taxRate": rate, "taxedPrice": self._taxed_price([one])}

    def _amounts_by_method(
        self, item: Item, units: list[Units], category: Json | None, share: float | None
    ) -> Json:
        """The same where units go by several shipping methods: each with its own rate, the line without one."""
        shipments = self._basket.shipments
        ways = item.by_method or ((shipments[0].key, item.quantity),)
        countries = {one.key: one.country for one in shipments}
        amounts: Json = {
            "totalPrice": self._money(sum(quantity * unit for quantity, unit in units)),
            "shippingDetails": {
                "valid": sum(quantity for _, quantity in ways) == item.quantity,
                "targets": [
                    {"addressKey": f"address-{key}", "quantity": quantity, "shippingMethodKey": key}
                    for key, quantity in ways
                ],
            },
        }
        rates, portions = [], []
        for (key, _), some in zip(ways, cut(units, [quantity for _, quantity in ways]), strict=True):
            total = sum(quantity * unit for quantity, unit in some)
            self._total += total
            if not self._basket.taxed:
                continue
            rate = self._rate(category, share, countries[key])
            one = _Sum(rate, total, *taxed(rate, total, some if self._basket.by_unit else None))
            self._count(one)
            rates.append({"shippingMethodKey": key, "taxRate": rate})
            portions.append({"shippingMethodKey": key, "taxedPrice": self._taxed_price([one])})
        return amounts | {"perMethodTaxRate": rates, "taxedPricePortions": portions}

    def _per_quantity(self, units: list[Units], before: int) -> list[Json]:
        discount = {"typeId": "cart-discount", "id": self._project.platform.new_id()}
        return [
            {
                "quantity": quantity,
                "discountedPrice": {
                    "value": self._money(unit),
                    "includedDiscounts": [
                        {"discount": discount, "discountedAmount": self._money(before - unit)}
                    ]
                    if unit != before
                    else [],
                },
            }
            for quantity, unit in units
        ]

    def _variant(self, sku: str) -> tuple[Json | None, Json | None]:
        product = self._project.collection("products").find_by("sku", sku)
        if product is None:
            return None, None
        data = product["masterData"]["current"]
        found = next((each for each in variants_of(data) if each.get("sku") == sku), None)
        return product, copied(found)

    def _price(self, item: Item, variant: Json | None) -> Json:
        basket = self._basket
        prices = variant.get("prices", []) if variant is not None and item.unit is None else []
        now = self._project.platform.now()
        seller = None
        if item.sold_by is not None:
            seller = self._project.collection("channels").get(key=item.sold_by)["id"]
        chosen = selected_price(prices, basket.currency, basket.country, seller, now)
        if chosen is not None:
            return copied(chosen)
        unit = NO_PRICE if item.unit is None else item.unit
        return {"id": self._project.platform.new_id(), "value": self._money(unit)}

    # --- shipping and what is taken off the whole ---

    def _shipped(self, shipped: Shipped) -> Json:
        basket = self._basket
        info: Json = {
            "shippingMethodName": shipped.name,
            "shippingMethodState": "MatchesCart",
            "deliveries": [],
            "shippingRate": {"tiers": []},
        }
        cost = shipped.price
        if shipped.method is not None:
            method = self._project.collection("shipping-methods").get(key=shipped.method)
            info["shippingMethodName"] = method["name"]
            info["shippingMethod"] = {"typeId": "shipping-method", "id": method["id"]}
            info["taxCategory"] = method["taxCategory"]
            if cost is None:
                info["shippingRate"] = shipping_rate(self._project, method, basket.country, basket.currency)
                cost = cost_of(info["shippingRate"], self._total)
        cost = cost or 0
        info["shippingRate"].setdefault("price", self._money(cost))
        info["price"] = self._money(cost)
        to_pay = cost
        if shipped.discounted is not None:
            to_pay = shipped.discounted
            (reduced,) = self._per_quantity([(1, to_pay)], cost)
            info["discountedPrice"] = reduced["discountedPrice"]
        self._total += to_pay
        if basket.taxed:
            rate = self._rate(info.get("taxCategory"), shipped.rate, shipped.country)
            one = _Sum(rate, to_pay, *taxed(rate, to_pay))
            self._shipping.append(one)
            info |= {"taxRate": rate, "taxedPrice": self._taxed_price([one])}
        return info

    def _shipment(self, shipped: Shipped, address: Json) -> Json:
        """One of several."""
        country = shipped.country or self._basket.country
        return {
            "shippingKey": shipped.key,
            "shippingInfo": self._shipped(shipped),
            "shippingAddress": {**address, "key": f"address-{shipped.key}", "country": country},
        }

    def _discount(self) -> Json:
        """Takes the discount off what goods, or all, come to, rate by rate."""
        amount = self._basket.total_discount
        self._total -= amount
        found: Json = {
            "discountedAmount": self._money(amount),
            "includedDiscounts": [
                {
                    "discount": {"typeId": "cart-discount", "id": self._project.platform.new_id()},
                    "discountedAmount": self._money(amount),
                }
            ],
        }
        sums = [*self._sums.values(), *(self._shipping if self._basket.off_shipping else ())]
        net = gross = 0
        for one, part in zip(sums, spread(amount, [each.total for each in sums]), strict=True):
            less = taxed(one.rate, part)
            one.total, one.net, one.gross = one.total - part, one.net - less[0], one.gross - less[1]
            net, gross = net + less[0], gross + less[1]
        if sums:
            found |= {"discountedNetAmount": self._money(net), "discountedGrossAmount": self._money(gross)}
        return found

    # --- taxes ---

    def _rate(self, category: Json | None, share: float | None, country: str | None = None) -> Json:
        """Raises `MissingTaxRateForCountry` where neither the line nor its tax category names a tax."""
        basket, rate = self._basket, None
        country = country or basket.country
        if category is not None and share is None:
            known = self._project.collection("tax-categories").get(id=category["id"])
            rate = next((each for each in known["rates"] if each["country"] == country), None)
        elif share is not None:
            name = f"{share * 100:g} %"
            rate = {"name": name, "amount": share, "includedInPrice": True, "country": country}
            rate["subRates"] = []
        if rate is None:
            raise ApiError(
                400,
                "MissingTaxRateForCountry",
                f"No tax rate for the country {country}.",
                taxCategoryId=category["id"] if category is not None else "none",
                country=country,
            )
        chosen = copied(rate)
        return chosen if basket.included is None else {**chosen, "includedInPrice": basket.included}

    def _count(self, one: _Sum) -> None:
        key = _rate_key(one.rate)
        kept = self._sums.setdefault(key, _Sum(one.rate))
        kept.total, kept.net, kept.gross = kept.total + one.total, kept.net + one.net, kept.gross + one.gross

    def _taxed_price(self, sums: Iterable[_Sum]) -> Json:
        """Portions of the same share and name are one, whichever rates they are parts of (documented)."""
        sums = list(sums)
        net, gross = sum(one.net for one in sums), sum(one.gross for one in sums)
        portions: dict[tuple[Any, str], int] = {}
        for one in sums:
            for share, name, tax in portions_of(one.rate, one.gross - one.net):
                portions[share, name] = portions.get((share, name), 0) + tax
        return {
            "totalNet": self._money(net),
            "totalGross": self._money(gross),
            "totalTax": self._money(gross - net),
            "taxPortions": [
                {"rate": share, "amount": self._money(tax), "name": name}
                for (share, name), tax in portions.items()
            ],
        }

    def _cents(self, amount: int) -> Json:
        return {"currencyCode": self._basket.currency, "centAmount": amount}

    def _money(self, amount: int) -> Json:
        return stored_money(self._cents(amount))


def _rate_key(rate: Json) -> tuple[Any, ...]:
    parts = tuple((one["name"], one["amount"]) for one in rate.get("subRates", ()))
    return rate["amount"], rate["name"], rate["includedInPrice"], parts


def _units(quantity: int, unit: int, groups: Iterable[Units]) -> list[Units]:
    """Units by what they cost: the groups, and what they leave over at the full price. Raises `InvalidField`."""
    found = list(groups)
    left = quantity - sum(count for count, _ in found)
    if left < 0:
        raise invalid_field("groups", quantity, "More units are discounted than there are.")
    return [*found, (left, unit)] if left else found
