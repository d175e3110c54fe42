"""As which article of the till a line is sold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retail_sync.records.orders import Order, OrderLine
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.plan import World
from retail_sync.sync.orders.saying import held, ruled

NO_SKU = "(no SKU)"


@dataclass(frozen=True)
class Article:
    """An article of the till. `note`: what the line is to say besides."""

    id: str
    sku: str
    note: str = ""


def article_of(order: Order, line: OrderLine, world: World) -> tuple[Article, Sequence[Remark]]:
    """The article of a line, and what is to be said about it. Raises Held (`article_unknown`, `no_article_for`)."""
    products = world.settings.orders.products
    if line.kind == "shipping":
        method = line.slug or order.shipping_method or ""
        sku = products.shipping_methods.get(method, products.shipping)
        return service(sku, "shipping", "products.shipping", world), ()
    if line.kind == "custom":
        sku = products.customs.get(line.slug or "", products.custom)
        return service(sku, f"the custom line {line.slug or line.name!r}", "products.custom", world), ()
    known = world.article_of(line)
    if known is not None:
        return Article(known, line.sku or NO_SKU), ()
    return _stand_in(line, world)


def service(sku: str | None, what: str, setting: str, world: World) -> Article:
    """An article of the till that the settings name. Raises Held (`no_article_for`)."""
    if sku is None or sku not in world.terms.products:
        because = "no article is named" if sku is None else f"the till has no article {sku!r}"
        raise held(
            "no_article_for",
            f"For {what} {because}.",
            f"Set `orders.{setting}` to the SKU of an article of the till that counts no stock.",
            field="lines",
            sku=sku,
        )
    return Article(world.terms.products[sku], sku)


def stand_in_id(world: World) -> str | None:
    """Id of the article that is sold where the till does not know a SKU."""
    sku = world.settings.orders.products.stand_in
    return world.terms.products.get(sku) if sku is not None else None


def _stand_in(line: OrderLine, world: World) -> tuple[Article, Sequence[Remark]]:
    named = line.sku or NO_SKU
    sku, found = world.settings.orders.products.stand_in, stand_in_id(world)
    if sku is None or found is None:
        raise held(
            "article_unknown",
            f"The till has no article with the SKU {named}, or several.",
            "Run `products` for it, or name a stand-in in `orders.products.stand_in`.",
            field="lines",
            sku=line.sku,
        )
    said = ruled(world.settings.orders.rules.stand_in_used, *stand_in_used(named), sku=line.sku, stand_in=sku)
    return Article(found, sku, f"{named} {line.name}".strip()), said


def stand_in_used(sku: str) -> tuple[str, str, str]:
    """Code, message and release of the finding that the stand-in was sold for a SKU."""
    return (
        "stand_in_used",
        f"The till has no article with the SKU {sku}, or several; the stand-in was sold.",
        "Create the article at the till, or run `products`.",
    )
