"""What the settings of orders name, found in what the store has.

A name is the same whatever its capitals and outer space, and an id is as good as a name. What is not there, or not the
only one of its name, is left out and told as a problem: it stops a run that writes, and preflight lists it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.lightspeed.x_series.api.wire import Outlet
from retail_sync.lightspeed.x_series.sales.references import References, RegisterRow
from retail_sync.records.currencies import minor_digits
from retail_sync.records.ports.preflight import CheckResult, PreflightReport
from retail_sync.records.sales import Register, SaleTerms, TillTax
from retail_sync.settings.models import SyncSettings

NO_TAX = "No Tax"
"""Every store has this tax (rate 0); `/retailer` names it. Looked for by its name where that id is none of a tax."""


class _HasName(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)


def resolve(found: References, settings: SyncSettings) -> tuple[SaleTerms, list[CheckResult]]:
    """What holds for sales of this store, and what of the settings could not be found."""
    return _Resolving(found, settings).terms()


def user_subject(settings: SyncSettings) -> str:
    """How a finding names the user who sells."""
    return f"user {settings.orders.user}" if settings.orders.user else "user of the connection"


def tender_names(settings: SyncSettings) -> list[str]:
    """Payment types the settings name, each once."""
    orders = settings.orders
    named = (*(one.tender for one in orders.tenders), orders.paid_without, orders.returns.tender)
    return list(dict.fromkeys(name for name in named if name))


def tax_names(settings: SyncSettings) -> list[str]:
    """Taxes the settings name for orders, each once."""
    return list(dict.fromkeys(one.tax for one in settings.orders.taxes))


class _Resolving:
    def __init__(self, found: References, settings: SyncSettings) -> None:
        self._found = found
        self._settings = settings
        self._report = PreflightReport()

    def terms(self) -> tuple[SaleTerms, list[CheckResult]]:
        found, settings = self._found, self._settings
        currency = found.retailer.currency.code or next((o.currency for o in found.outlets if o.currency), "")
        exported = settings.orders.exported
        outlets = self._outlets()
        terms = SaleTerms(
            currency=currency,
            digits=minor_digits(currency),
            user_id=self._user() if exported else "",
            no_tax_id=self._no_tax(),
            outlets={name: outlet.id for name, outlet in outlets.items()},
            registers={name: _register(row) for name, row in self._registers(outlets).items()},
            payment_types={name: row.id for name, row in self._payment_types().items()},
            taxes=self._taxes(),
            products=self._products() if exported else {},
            guest_id=self._guest() if exported else None,
        )
        return terms, self._report.results

    def _outlets(self) -> dict[str, Outlet]:
        outlets = _by_name(self._found.outlets)
        if not self._found.outlets:
            return outlets
        for location in self._settings.locations:
            same = _named(location.outlet, self._found.outlets)
            if not self._one(
                f"location {location.name}", "outlet", location.outlet, same, self._found.outlets
            ):
                outlets.pop(location.outlet, None)
                continue
            outlets[location.outlet] = same[0]
        return outlets

    def _registers(self, outlets: Mapping[str, Outlet]) -> dict[str, RegisterRow]:
        """By name; of several of one name that of the location that names it."""
        registers = _by_name(self._found.registers)
        wanted = self._settings.orders.registers if self._settings.orders.exported else {}
        taken: dict[str, str] = {}
        for location_name, name in wanted.items():
            subject = f"register of {location_name}"
            location = next((one for one in self._settings.locations if one.name == location_name), None)
            outlet = outlets.get(location.outlet) if location else None
            if location is None:
                self._report.error(
                    subject,
                    f"There is no location {location_name!r}.",
                    "Add it to `locations`, or correct `orders.registers`.",
                )
            if outlet is None:
                continue
            everywhere = _named(name, self._found.registers)
            here = [row for row in everywhere if row.outlet_id == outlet.id]
            if everywhere and not here:
                self._report.error(
                    subject,
                    f"The register {name!r} does not belong to the outlet {outlet.name}.",
                    "Name a register of that outlet in `orders.registers`.",
                )
                registers.pop(name, None)
            elif self._one(subject, "register", name, here, self._found.registers, "orders.registers"):
                if taken.setdefault(name, here[0].id) != here[0].id:
                    self._report.error(
                        subject,
                        f"Two locations have a register {name!r}.",
                        "Name both by their ids in `orders.registers`, or give one of them another name.",
                    )
                registers[name] = here[0]
        return registers

    def _payment_types(self) -> dict[str, _HasName]:
        names = tender_names(self._settings) if self._settings.orders.exported else []
        return self._chosen("payment type", "orders.tenders", names, self._found.payment_types)

    def _taxes(self) -> dict[str, TillTax]:
        names = tax_names(self._settings) if self._settings.orders.exported else []
        chosen = self._chosen("tax", "orders.taxes", names, self._found.taxes)
        for tax_class in self._settings.products.tax_classes:
            same = _named(tax_class.lightspeed, self._found.taxes)
            if len(same) == 1:
                chosen.setdefault(tax_class.lightspeed, same[0])
        for name in names:
            if name in chosen and chosen[name].rate is None:
                self._report.error(
                    f"tax {name}",
                    "Its rate depends on the amount, so no order can be sold with it.",
                    "Name a tax with one rate in `orders.taxes`.",
                )
        return {
            name: TillTax(
                row.id, row.name, rate, tuple((part.id, part.rate) for part in row.rates if part.id)
            )
            for name, row in chosen.items()
            if (rate := row.rate) is not None
        }

    def _no_tax(self) -> str:
        told = self._found.retailer.no_tax_group_id or ""
        taxes = self._found.taxes
        if not taxes or told in {row.id for row in taxes}:
            return told
        same = [row for row in _named(NO_TAX, taxes) if row.rate == Decimal(0)]
        if len(same) == 1:
            return same[0].id
        self._report.error(
            "tax-free sales",
            f"The store names no tax for what is tax-free, and has no tax {NO_TAX!r}.",
            "Give the token the scope retailer:read, or create that tax at the till.",
        )
        return ""

    def _user(self) -> str:
        users = self._found.users
        if len(users) == 1:
            return users[0].id
        name = self._settings.orders.user
        several = f"{len(users)} users are called {name!r}." if users else f"There is no user {name!r}."
        self._report.error(
            user_subject(self._settings), several, "Correct `orders.user`; a user's id is sure to be one."
        )
        return ""

    def _products(self) -> dict[str, str]:
        products: dict[str, str] = {}
        for sku in sorted(self._settings.orders.service_skus):
            same = self._found.articles.get(sku, ())
            if len(same) == 1:
                products[sku] = same[0].id
                continue
            self._report.error(
                f"article {sku}",
                f"{len(same)} articles have this SKU." if same else "No article at the till has this SKU.",
                "Create an article with this very SKU at the till that does not count stock, or correct "
                "`orders.products`.",
            )
        return products

    def _guest(self) -> str | None:
        name = self._settings.orders.customers.guest
        if not name:
            return None
        if len(self._found.guests) == 1:
            return self._found.guests[0]
        # The code stands in the configuration, so it may be told; it is no customer who bought something.
        several = f"{len(self._found.guests)} customers have this code."
        self._report.error(
            "guest customer",
            several if self._found.guests else f"No customer at the till has the code or id {name!r}.",
            "Create that customer at the till, or correct `orders.customers.guest`.",
        )
        return None

    def _chosen(self, what: str, setting: str, names: Iterable[str], rows: Sequence[N]) -> dict[str, N]:
        """All rows whose name is only theirs, and those the settings name, under the spelling of the settings."""
        chosen = _by_name(rows)
        for name in names:
            same = _named(name, rows)
            if self._one(f"{what} {name}", what, name, same, rows, setting):
                chosen[name] = same[0]
        return chosen

    def _one(
        self,
        subject: str,
        what: str,
        name: str,
        same: Sequence[_HasName],
        rows: Sequence[_HasName],
        setting: str = "locations",
    ) -> bool:
        """Whether a name means exactly one; else that is a problem."""
        if len(same) == 1:
            return True
        known = ", ".join(sorted({row.name for row in rows})) or "none"
        finding = (
            f"There are {len(same)} of the name {name!r}."
            if same
            else f"There is no {what} {name!r}; the store has {known}."
        )
        way_out = "give one of them another name, or name it by its id" if same else "create it at the till"
        self._report.error(subject, finding, f"Correct `{setting}`, or {way_out}.")
        return False


def told(problems: Iterable[CheckResult]) -> Iterator[str]:
    """Each problem as a sentence."""
    for problem in problems:
        yield f"{problem.subject}: {problem.finding}"


def _register(row: RegisterRow) -> Register:
    return Register(id=row.id, name=row.name, outlet_id=row.outlet_id, is_open=row.is_open is not False)


def _named(name: str, rows: Iterable[N]) -> list[N]:
    """Rows of that name, or the one of that id."""
    return [row for row in rows if row.id == name or same_name(row.name) == same_name(name)]


def _by_name(rows: Sequence[N]) -> dict[str, N]:
    """Rows that are the only ones of their name."""
    return {row.name: row for row in rows if len(_named(row.name, rows)) == 1}
