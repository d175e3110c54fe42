"""What this package sends to commercetools about customers, as strict models.

Source: the commercetools API reference (CustomerDraft, CustomerUpdate and the update actions used here). Where an
action leaves its value out, the API takes the present one away.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict

from retail_sync.commercetools.api.writing import (
    Country,
    CustomFieldsDraft,
    Draft,
    Identifier,
    Key,
    UpdateActions,
)


class AddressDraft(Draft):
    """An address. `changeAddress` replaces the whole of it, so whatever the live one holds travels along, members that
    are not known here, too."""

    model_config = ConfigDict(extra="allow")

    key: Key | None = None
    country: Country


class CustomerDraft(Draft):
    """`defaultBillingAddress` and `defaultShippingAddress` are positions in `addresses`. `ExternalAuth`: no password;
    the customer asks the shop for one."""

    key: Key
    email: str
    authenticationMode: Literal["ExternalAuth"] = "ExternalAuth"
    firstName: str | None = None
    lastName: str | None = None
    companyName: str | None = None
    vatId: str | None = None
    dateOfBirth: str | None = None
    customerNumber: str | None = None
    externalId: str | None = None
    locale: str | None = None
    addresses: list[AddressDraft] | None = None
    defaultBillingAddress: int | None = None
    defaultShippingAddress: int | None = None
    customerGroup: Identifier | None = None
    stores: list[Identifier] | None = None
    custom: CustomFieldsDraft | None = None


customer_action = UpdateActions(
    {
        "changeEmail": {"email": str},
        "setFirstName": {"firstName": str | None},
        "setLastName": {"lastName": str | None},
        "setCompanyName": {"companyName": str | None},
        "setVatId": {"vatId": str | None},
        "setDateOfBirth": {"dateOfBirth": str | None},
        # Once set it stays.
        "setCustomerNumber": {"customerNumber": str},
        "setExternalId": {"externalId": str | None},
        "setLocale": {"locale": str | None},
        "setCustomerGroup": {"customerGroup": Identifier | None},
        "setCustomerGroupAssignments": {"customerGroupAssignments": list[dict[str, Identifier]]},
        "setStores": {"stores": list[Identifier]},
        "addAddress": {"address": AddressDraft},
        "changeAddress": {"addressId": str, "address": AddressDraft},
        "setDefaultBillingAddress": {"addressKey": str | None},
        "setDefaultShippingAddress": {"addressKey": str | None},
        "setCustomField": {"name": str, "value": Any},
        "setCustomType": {"type": Identifier, "fields": dict[str, Any]},
    }
)
