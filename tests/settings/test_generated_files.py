"""What is generated from the models is committed as generated, and names used in settings exist elsewhere."""

from __future__ import annotations

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from retail_sync.commercetools.products.fields import NATURAL_PLACES, PROJECTION_FIELDS
from retail_sync.records.products import COLUMNS
from retail_sync.settings.loader import load_settings
from retail_sync.settings.location import SAMPLE_PATH, SCHEMA_PATH
from retail_sync.settings.models import product_fields as fields
from retail_sync.settings.models.base import Settings
from retail_sync.settings.reference import PAGE, page
from retail_sync.settings.schema import schema_text
from sandbox.shop import SAMPLE_SHOP, default_config, load_shop


def every_model(base: type[Settings] = Settings) -> list[type[Settings]]:
    return [one for model in base.__subclasses__() for one in (model, *every_model(model))]


@pytest.mark.parametrize("model", every_model(), ids=lambda model: model.__name__)
def test_every_setting_says_what_it_means(model: type[Settings]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_configuration_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m retail_sync.settings.reference"


def test_the_json_schema_is_up_to_date_and_accepts_the_shipped_file() -> None:
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m retail_sync.settings.schema"
    )
    content = YAML(typ="safe", pure=True).load(SAMPLE_PATH.read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(schema_text()).validate(content)


def test_every_configurable_field_is_a_column_of_the_records_and_the_other_way_round() -> None:
    columns = {
        column.name.removesuffix(".*") for kind in COLUMNS.values() for column in kind if column.merged
    }
    assert {*fields.PRODUCT_FIELDS, *fields.OWN_SETTING, "attr"} == columns


def test_the_places_settings_may_name_are_those_the_adapter_has() -> None:
    assert sorted(fields.COMMERCETOOLS_PLACES) == sorted(PROJECTION_FIELDS)
    assert set(NATURAL_PLACES) <= set(fields.COMMERCETOOLS_HOLDS)


def test_the_shipped_file_speaks_of_the_sample_shop_and_of_nothing_else() -> None:
    shop = default_config(load_shop(SAMPLE_SHOP))
    settings = load_settings(SAMPLE_PATH)
    mapped = {
        name: field.commercetools for name, field in settings.products.fields.items() if field.commercetools
    }
    assert list(settings.shop.locales) == shop["locales"]
    assert settings.shop.till_locale == shop["locale"]
    assert [
        location.model_dump(include={"name", "outlet", "channel"}) for location in settings.locations
    ] == (shop["locations"])
    assert {tax.commercetools: tax.lightspeed for tax in settings.products.tax_classes} == shop["tax_classes"]
    assert [option.model_dump(include={"name", "attribute"}) for option in settings.products.options] == shop[
        "options"
    ]
    roles = {"barcodes" if role == "barcode" else role: name for role, name in shop["attributes"].items()}
    assert mapped == {role: f"attribute:{name}" for role, name in roles.items()}
    assert list(settings.products.required_attributes) == shop["required"]
    price = settings.products.price
    assert (price.currency, price.country, price.tax == "included") == (
        shop["currency"],
        shop["country"],
        shop["price_tax_included"],
    )
    assert settings.products.product_type == shop["product_type"]
