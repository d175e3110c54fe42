"""What this package sends to commercetools about customers, as strict models.

Source: the commercetools API reference (CustomerDraft, CustomerUpdate and the update actions used here). Where an
action leaves its value out, the API takes the present one away.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from retail_sync.commercetools.api.writing import Draft, Identifier, Key


class Personal(Draft):
    """A refused value is personal: it is not quoted in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AddressDraft(Personal):
    """An address. `changeAddress` replaces the whole of it, so whatever the live one holds travels along, members that
    are not known here, too."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    key: Key | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]


class CustomFieldsDraft(Personal):
    type: Identifier
    fields: dict[str, Any]


class CustomerDraft(Personal):
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


class ChangeEmail(Personal):
    action: Literal["changeEmail"] = "changeEmail"
    email: str


class SetFirstName(Personal):
    action: Literal["setFirstName"] = "setFirstName"
    firstName: str | None = None


class SetLastName(Personal):
    action: Literal["setLastName"] = "setLastName"
    lastName: str | None = None


class SetCompanyName(Personal):
    action: Literal["setCompanyName"] = "setCompanyName"
    companyName: str | None = None


class SetVatId(Personal):
    action: Literal["setVatId"] = "setVatId"
    vatId: str | None = None


class SetDateOfBirth(Personal):
    action: Literal["setDateOfBirth"] = "setDateOfBirth"
    dateOfBirth: str | None = None


class SetCustomerNumber(Personal):
    """Once set it stays."""

    action: Literal["setCustomerNumber"] = "setCustomerNumber"
    customerNumber: str


class SetExternalId(Personal):
    action: Literal["setExternalId"] = "setExternalId"
    externalId: str | None = None


class SetLocale(Personal):
    action: Literal["setLocale"] = "setLocale"
    locale: str | None = None


class SetCustomerGroup(Personal):
    action: Literal["setCustomerGroup"] = "setCustomerGroup"
    customerGroup: Identifier | None = None


class CustomerGroupAssignment(Personal):
    customerGroup: Identifier


class SetCustomerGroupAssignments(Personal):
    action: Literal["setCustomerGroupAssignments"] = "setCustomerGroupAssignments"
    customerGroupAssignments: list[CustomerGroupAssignment]


class SetStores(Personal):
    action: Literal["setStores"] = "setStores"
    stores: list[Identifier]


class AddAddress(Personal):
    action: Literal["addAddress"] = "addAddress"
    address: AddressDraft


class ChangeAddress(Personal):
    action: Literal["changeAddress"] = "changeAddress"
    addressId: str
    address: AddressDraft


class SetDefaultAddress(Personal):
    action: Literal["setDefaultBillingAddress", "setDefaultShippingAddress"]
    addressKey: str | None = None


class SetCustomField(Personal):
    action: Literal["setCustomField"] = "setCustomField"
    name: str
    value: Any = None


class SetCustomType(Personal):
    action: Literal["setCustomType"] = "setCustomType"
    type: Identifier
    fields: dict[str, Any]


CustomerAction = (
    ChangeEmail
    | SetFirstName
    | SetLastName
    | SetCompanyName
    | SetVatId
    | SetDateOfBirth
    | SetCustomerNumber
    | SetExternalId
    | SetLocale
    | SetCustomerGroup
    | SetCustomerGroupAssignments
    | SetStores
    | AddAddress
    | ChangeAddress
    | SetDefaultAddress
    | SetCustomField
    | SetCustomType
)


class CustomerUpdate(Personal):
    version: int
    actions: list[CustomerAction]
