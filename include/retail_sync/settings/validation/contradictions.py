"""Every rule of every section, asked of one configuration."""

from __future__ import annotations

from typing import get_args

from retail_sync.settings.document import Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.base import SystemName
from retail_sync.settings.validation.customers import check_customers
from retail_sync.settings.validation.findings import Findings
from retail_sync.settings.validation.inventory import check_inventory
from retail_sync.settings.validation.orders import check_orders
from retail_sync.settings.validation.prices import check_prices
from retail_sync.settings.validation.products import check_products
from retail_sync.settings.validation.realtime import check_realtime


def cross_check(settings: SyncSettings) -> list[Problem]:
    """Everything found, in no particular order."""
    found = Findings()
    for check in (
        _check_shop,
        check_products,
        check_prices,
        check_inventory,
        check_customers,
        check_orders,
        check_realtime,
        _check_privacy,
        _check_notify,
    ):
        check(settings, found)
    return found.all


def _check_shop(settings: SyncSettings, found: Findings) -> None:
    shop, found = settings.shop, found.within("shop")
    if not shop.locales:
        found.add("locales", "The shop needs a locale.", "Name the locales of the project, e.g. [en-GB].")
    else:
        found.unknown("till_locale", shop.till_locale, shop.locales, "{!r} is not in shop.locales.")


def _check_privacy(settings: SyncSettings, found: Findings) -> None:
    for system in settings.privacy.exclude:
        at = ("privacy", "exclude", system)
        found.unknown(at, system, get_args(SystemName), "There is no such system.")


def _check_notify(settings: SyncSettings, found: Findings) -> None:
    notify = settings.notify
    if bool(notify.mail_to) != bool(notify.smtp_conn_id):
        remedy = "Give both, or neither to send no mail."
        found.add("notify", "Mail needs both `mail_to` and `smtp_conn_id`.", remedy)
