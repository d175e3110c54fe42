"""A finding: something a rule, a merge or a match has to say about one record, in words for a person."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from retail_sync.records.refs import RecordRef

FindingSeverity = Literal["block", "hold", "drop field", "warn"]

RELEASES = {
    "sku_missing": "Give the variant a SKU in its source system.",
    "sku_duplicate": "Give each variant its own SKU; the till finds two articles under this one.",
    "sku_looks_alike": "Choose the partner if both are one article (or set `products.sku_capitals_count: false`); "
    "otherwise correct one SKU, or set the rule to `warn`.",
    "swapped": "Of an exchange, give one of them a free value in its source system, let products run, then give it the "
    "one that is meant; the others follow by themselves.",
    "sku_moved": "Decide which product the SKU belongs to, then move or rename it in one system.",
    "split_family": "Bring the variants into one family at the till, or split the product online.",
    "barcode_invalid": "Correct the barcode (the check digit is wrong) in its source system.",
    "barcode_duplicate": "Remove the barcode from all but one article; a till would scan the wrong one.",
    "price_missing": "Enter a base price in the configured currency.",
    "price_not_positive": "Enter a price above zero.",
    "price_currency": "Enter the price in the store's currency, or change `products.price.currency`.",
    "price_not_exact": "Choose the side of tax that the price's owner enters, or round the price or its list.",
    "tax_class_unmapped": "Add the tax class to `products.tax_classes`.",
    "too_many_variants": "Split the product: commercetools takes 100 variants.",
    "too_many_options": "Map at most three options in `products.options`; Lightspeed takes no more.",
    "option_missing": "Fill in every option of the product, or none.",
    "options_duplicate": "Two variants have the same options; make them differ.",
    "options_changed": "The till can't change a family's options; recreate the family there and run again.",
    "name_missing": "Give the product a name in the till's language.",
    "name_too_long": "Shorten the name, or map it through `truncate`.",
    "name_duplicate": "Rename one of the products; the till tells families apart by name.",
    "required_attribute_missing": "Fill in the field.",
    "html_unsafe": "Remove scripts from the text.",
    "lookup_missing": "Add the value to the field's lookup table.",
    "value_not_kept": "The target alters this value; change it, or set the field's owner to `none`.",
    "not_held": "Create what is missing in the target (a category, a supplier), or set the field's owner to `none`.",
    "ambiguous": "Make the identifier unique, or choose the right partner.",
    "identity_conflict": "SKU and barcode point to different articles; correct one of them.",
    "conflict": "Both sides changed the field; say which value counts, or edit the other one to match.",
    "waiting": "It goes on by itself once its product is linked.",
    "no_variants_left": "Release one of its variants first.",
    "no_product_type": "Set `products.product_type` so that articles from the till can be created online.",
    "removal": "Look whether they are really gone. If they are, approve these removals at the hold in the console; "
    "otherwise bring them back, and run again.",
    "deleted": "Remove the article in the other system too, or restore it.",
    "sku_shared": "Give each article its own SKU at the till, so that one alone is meant.",
    "price_zero": "Enter a price above zero.",
    "price_negative": "Enter a price above zero.",
    "price_jump": "Trigger `prices` with the SKU under Approve these SKUs, or under Reject these SKUs.",
    "price_rejected": "Change the price in the system that owns it, or approve it after all.",
    "price_below_supply": "Raise the price, or correct the supply price; if it is meant, set the rule to `warn`.",
    "price_tax_unknown": "Give the product a tax category, and the article one tax at the outlets of the list.",
    "price_tiers": "Make the quantities whole, without gaps, and beginning at one unit.",
    "price_dates": "Give the online price the days of the price book, or the book those of the price.",
    "price_removed": "Enter the price again, or take the other one away; or set `removals: remove` for the list.",
    "price_direction": "Change the price back, or let the list flow both ways (`direction`).",
    "name_differs": "Trigger `customers` with `online id = till id`: as one person, or as two people.",
    "duplicate_profile": "Trigger `customers` with a pair of ids, or with one id as a person of its own; or merge the "
    "profiles in their system.",
    "phone_shared": "Nothing, if it is a household; otherwise correct the number.",
    "person_replaced": "Correct what can't go over (an e-mail address that can't be read, a field with another owner), "
    "or forget the customer with the DAG `forget`.",
    "deleted_there": "Delete the other profile too, or keep it and rule it out of the sync.",
    "email_invalid": "Correct the e-mail address in its source system.",
    "phone_invalid": "Correct the number, or set `customers.default_country`.",
    "country_missing": "Enter the country of the address, or set `customers.default_country`.",
    "level_unknown": "Count the article at the till, or correct the channel's locations.",
}
"""What would release a hold, per code. Codes of the target system's refusals have their own words."""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What a rule says, whatever record it is about. `field`: the field, empty for the whole record."""

    code: str
    severity: FindingSeverity
    message: str
    field: str = ""
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)
    remedy: str = ""
    """What would release it, where the code alone does not say."""

    @property
    def release(self) -> str:
        return self.remedy or RELEASES.get(
            self.code, "Correct the record in its source system; it is tried again by itself."
        )

    @property
    def holds(self) -> bool:
        """Whether the record is kept back."""
        return self.severity in ("hold", "block")

    def about(self, kind: str, system: str, id: str, label: str) -> Finding:
        return Finding(**vars(self), kind=kind, system=system, id=id, label=label)


@dataclass(frozen=True, kw_only=True)
class Finding(Remark):
    """`kind`/`system`/`id` name the record the finding is about."""

    kind: str
    system: str
    id: str
    label: str

    @property
    def subject(self) -> str:
        return str(RecordRef(self.system, self.id))
