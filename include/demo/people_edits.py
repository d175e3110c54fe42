"""What happens to customers of a shop: somebody moves, somebody wants no more mail, and two turn out to be two
people.

Sentences name customers by their numbers: nobody's name belongs on a screen.
"""

from __future__ import annotations

from collections.abc import Iterator

from demo.shops import Row, Shops, answered

NEW_STREET = "Neuer Weg 1"


class PeopleEdits:
    """`newsletter`: the custom field of online customers that holds their consent, if the shop has one. Each edit is
    made through the APIs, and returns a sentence for a person."""

    def __init__(self, shops: Shops, newsletter: str | None) -> None:
        self._shops = shops
        self._newsletter = newsletter

    def on_both_sides(self) -> list[str]:
        """Somebody moves, which the till is told; somebody else takes back a consent online."""
        pairs = list(self._pairs())
        moved = next(
            ((a, b) for a, b in pairs if b["physical_address_1"] not in (None, "", NEW_STREET)), None
        )
        asked = next((a for a, _ in pairs if self._agrees(a) and (moved is None or a is not moved[0])), None)
        return [*self._move(moved), *self._unsubscribe(asked)]

    def two_people(self) -> str | None:
        """`online id = till id` of two who share an e-mail address and not the name; None = there are none."""
        till = {str(row["email"] or "").strip().casefold(): row for row in self._at_the_till()}
        for account in self._shops.all_online("customers"):
            other = till.get(account["email"].casefold())
            if (
                other
                and _name(account, "firstName", "lastName") & _name(other, "first_name", "last_name") == set()
            ):
                return f"{account['id']} = {other['id']}"
        return None

    def _pairs(self) -> Iterator[tuple[Row, Row]]:
        """Those whom one side knows by the other side's id."""
        by_id = {row["id"]: row for row in self._at_the_till()}
        naming = {row["custom_field_2"]: row for row in by_id.values() if row.get("custom_field_2")}
        for account in self._shops.all_online("customers"):
            partner = by_id.get(account.get("externalId", "")) or naming.get(account["id"])
            if partner is not None:
                yield account, partner

    def _at_the_till(self) -> list[Row]:
        return [row for row in self._shops.at_the_till("customers") if not row.get("deleted_at")]

    def _agrees(self, account: Row) -> bool:
        fields = account.get("custom", {}).get("fields", {})
        return self._newsletter is not None and fields.get(self._newsletter) is True

    def _move(self, pair: tuple[Row, Row] | None) -> Iterator[str]:
        if pair is not None:
            row = pair[1]
            answered(self._shops.till.put(f"/customers/{row['id']}", json={"physical_address_1": NEW_STREET}))
            yield f"Lightspeed: the customer {row['customer_code']} has moved to another street"

    def _unsubscribe(self, account: Row | None) -> Iterator[str]:
        if account is not None:
            action = {"action": "setCustomField", "name": self._newsletter, "value": False}
            self._shops.update_online("customers", account, action)
            number = account.get("customerNumber", account["id"])
            yield f"commercetools: the customer {number} wants no more mail (expect the till to know it)"


def _name(row: Row, *parts: str) -> set[str]:
    return {word for part in parts for word in str(row.get(part) or "").casefold().split()}
