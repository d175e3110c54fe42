"""What staff do with products: families come and go, are edited and priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import catalogue, price_entries
from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.numerals import Number
from sandbox.lightspeed.payloads import COMMON_FIELDS, DETAIL_FIELDS
from sandbox.lightspeed.prices import tax_of, without_tax
from sandbox.lightspeed.state import StoreState
from sandbox.locks import locked

PRICED_FIELDS = (
    "price",
    "price_including_tax",
    "price_excluding_tax",
    "supply_price",
    "loyalty_amount",
    "weight",
)


class ProductActions(StoreState):
    """Products, their taxes by outlet, and their prices in price books."""

    @locked
    def add_product_family(
        self,
        name: str,
        *,
        variants: Sequence[Mapping[str, Any]] = (),
        track_inventory: bool = True,
        **fields: Any,
    ) -> list[str]:
        """A standard product, or a family with `variants`; fields as in `POST /products`, and `price` for the price in
        the store's own tax mode. Figures are Decimal, int or text. Duplicates are accepted.

        Returns ids, the parent first.
        """
        given: dict[str, Any] = {
            "name": name,
            "track_inventory": track_inventory,
            **self._with_prices(fields),
        }
        if variants:
            given["variants"] = [self._with_prices(variant) for variant in variants]
        return [product.id for product in catalogue.create(self, given, checked=False)]

    def add_composite(self, name: str, parts: Sequence[tuple[str, Number]], **fields: Any) -> str:
        """A product that is made of others, (product id, quantity): it has no stock of its own, its parts have."""
        composite = [{"product_id": part, "quantity": Decimal(quantity)} for part, quantity in parts]
        (product_id,) = self.add_product_family(name, track_inventory=False, composite=composite, **fields)
        return product_id

    @locked
    def edit_product(self, product_id: str, **fields: Any) -> None:
        """Changes fields of a product, and of its family where they are shared: any field of an update's `common` or
        `details`, `sku` (the first code), `price`, and `supply_price`. Raises `ApiError` as the API would.
        """
        fields = self._with_prices(fields)
        product = self.products.rows[product_id]
        if "sku" in fields:
            others = [{"type": code.type, "code": code.code} for code in product.codes[1:]]
            fields["product_codes"] = [{"type": "CUSTOM", "code": fields.pop("sku")}, *others]
        supply_price = fields.pop("supply_price", None)
        unknown = fields.keys() - COMMON_FIELDS - DETAIL_FIELDS
        if unknown:
            raise ValueError(f"Products have no field {', '.join(sorted(unknown))} that can be edited.")
        common = {key: value for key, value in fields.items() if key in COMMON_FIELDS}
        details = {key: value for key, value in fields.items() if key not in COMMON_FIELDS}
        catalogue.update(self, product_id, {"common": common, "details": details}, checked=False)
        if supply_price is not None:
            product.supply_price = Decimal(supply_price)
            self.products.touch(product)

    @locked
    def delete_product(self, product_id: str, *, whole_family: bool = False) -> None:
        """Deletes a product softly."""
        catalogue.delete(self, product_id, whole_family)

    @locked
    def set_outlet_tax(self, product_id: str, outlet_id: str, tax_id: str | None) -> None:
        """A product has this tax at one outlet; none is the outlet's default again."""
        catalogue.set_outlet_tax(self, self.products.rows[product_id], outlet_id, tax_id)

    @locked
    def set_book_price(
        self,
        book_id: str,
        product_id: str,
        price: Number,
        *,
        min_units: Number | None = None,
        max_units: Number | None = None,
        tax_id: str | None = None,
    ) -> str:
        """A price in a price book, in the store's own tax mode; it replaces the one with the same `min_units`. In the
        General Price Book it is the product's own. Without a tax it keeps the one it has, else takes the product's.

        Returns the id of the entry.
        """
        product, least, most = self.products.rows[product_id], _figure(min_units), _figure(max_units)
        if book_id == self.base_book_id:
            catalogue.set_price(self, product, Decimal(price))
            return self.price_book_products.of_product(product_id, book_id)[0].id
        row = next(iter(self._entries(book_id, product_id, least)), None)
        if row is None:
            entry = {
                "product_id": product_id,
                "price": Decimal(price),
                "tax_id": tax_id or tax_of(self, product),
                "min_units": least,
                "max_units": most,
            }
            return price_entries.new_row(self, self.price_books.rows[book_id].id, entry).id
        row.tax_id = tax_id or row.tax_id
        row.price, row.max_units = without_tax(self, Decimal(price), row.tax_id), most
        self.price_book_products.touch(row)
        return row.id

    @locked
    def remove_book_price(self, book_id: str, product_id: str, min_units: Number | None = None) -> None:
        """A price is taken out of a price book. Raises `ValueError` where there is none."""
        if book_id == self.base_book_id:
            raise ValueError(
                "The General Price Book holds every product with its own price: delete the product."
            )
        rows = self._entries(book_id, product_id, _figure(min_units))
        if not rows:
            raise ValueError(f"The price book has no entry for {product_id} from {min_units} units.")
        for row in rows:
            self.price_book_products.delete(row)

    def _entries(self, book_id: str, product_id: str, least: Decimal | None) -> list[PriceBookProduct]:
        """The entries of a product in a price book that begin at this quantity."""
        rows = self.price_book_products.of_product(product_id, book_id)
        return [row for row in rows if row.min_units == least]

    def _with_prices(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Figures that were written as text become Decimal, and `price` gets the name it has in this store."""
        given = {
            key: Decimal(value) if key in PRICED_FIELDS and isinstance(value, str) else value
            for key, value in fields.items()
        }
        if "price" in given:
            given["price_excluding_tax" if self.tax_exclusive else "price_including_tax"] = given.pop("price")
        return given


def _figure(number: Number | None) -> Decimal | None:
    return None if number is None else Decimal(number)
