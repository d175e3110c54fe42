"""Another process can furnish the shop, work in it, set switches and order faults; none of it costs budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.lightspeed import LightspeedStore

if TYPE_CHECKING:
    from .conftest import Shop


def admin(shop: Shop, method: str, path: str, given: Any = None, status: int = 200) -> Any:
    answer = shop.http.request(method, f"/_admin/{path}", json=given)
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status < 400 else answer.json()


def test_a_shop_is_furnished_and_worked_in_over_http(shop: Shop) -> None:
    outlet = admin(shop, "POST", "outlets", {"name": "Bremen"}, 201)
    admin(shop, "POST", "registers", {"name": "Till", "outlet_id": outlet}, 201)
    brand = admin(shop, "POST", "brands", {"name": "Adidas"}, 201)
    (mug,) = admin(shop, "POST", "products", {"name": "Mug", "sku": "MUG", "price": "9.90"}, 201)
    edited = admin(shop, "POST", f"products/{mug}", {"price": "10.90", "brand_id": brand, "name": "Cup"})
    assert (edited["name"], edited["price_including_tax"], edited["brand"]["name"]) == ("Cup", 10.9, "Adidas")
    assert admin(shop, "POST", "stock", {"product_id": mug, "outlet_id": outlet, "level": 3}) == {"level": 3}
    counts = admin(shop, "GET", "state")["counts"]
    assert (counts["products"], counts["outlets"]) == (1, 3)
    admin(shop, "DELETE", f"products/{mug}")
    assert shop.feed() == []
    assert admin(shop, "GET", f"products/{mug}")["deleted_at"] is not None


def test_mistakes_are_told(shop: Shop) -> None:
    (mug,) = shop.store.add_product_family("Mug")
    assert "colour" in admin(shop, "POST", f"products/{mug}", {"colour": "red"}, 400)["error"]
    admin(shop, "POST", "products/unknown", {"price": "1"}, 404)
    admin(shop, "POST", "dragons", {}, 404)
    admin(shop, "POST", "brands", {"title": "x"}, 400)
    admin(shop, "POST", "products", {"name": "Cup", "price": "cheap"}, 400)
    assert "rate_limt" in admin(shop, "POST", "options", {"rate_limt": False}, 400)["error"]


def test_switches_are_set_over_http(shop: Shop) -> None:
    assert admin(shop, "POST", "options", {"page_size_default": 1})["page_size_default"] == 1
    shop.tee()
    assert len(shop.get("products")["data"]) == 1


def test_the_same_seed_makes_the_same_shop(shop: Shop) -> None:
    first, second = (LightspeedStore(seed=3, clock=shop.store.clock) for _ in range(2))
    for store in (first, second):
        store.add_product_family("Mug", price="9.90")
    assert first.all_products() == second.all_products()


def test_faults_strike_before_or_after_the_write_and_the_log_shows_both(shop: Shop) -> None:
    shop.faults.add({"match": "/products$", "method": "POST", "kind": "status", "status": 503})
    shop.post("products", {"name": "Mug"}, 503)
    assert shop.store.all_products() == []
    shop.post("products", {"name": "Mug"})
    assert [(entry.method, entry.status) for entry in shop.faults.requests] == [("POST", 503), ("POST", 200)]
