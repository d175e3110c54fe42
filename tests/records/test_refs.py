"""Keys are values: what is put together is taken apart the same way, whatever ids and SKUs hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.refs import EntryKey, LevelKey, RecordRef, VariantKey, WriteUnit

SKUS = st.text(min_size=1, max_size=12)
IDS = st.text("abc0123456789-", min_size=1, max_size=12)


@given(sku=SKUS, channel=IDS | st.just(""))
def test_an_entry_of_any_sku_is_taken_apart_as_it_was_put_together(sku: str, channel: str) -> None:
    unit = WriteUnit("commercetools", str(EntryKey(sku, channel)))
    again = WriteUnit.parse(str(unit))
    assert (again, EntryKey.parse(again.key)) == (unit, EntryKey(sku, channel))


@pytest.mark.parametrize(
    "key",
    [
        RecordRef("lightspeed", "a:1"),
        LevelKey("product-1", "outlet-1"),
        VariantKey("product-1", 12),
        WriteUnit("lightspeed", "product-1"),
        WriteUnit.creating("commercetools", RecordRef("lightspeed", "family-1")),
    ],
    ids=lambda key: type(key).__name__,
)
def test_a_key_is_the_same_after_its_text(key: Any) -> None:
    assert type(key).parse(str(key)) == key


def test_only_the_unit_of_a_creation_creates() -> None:
    new = WriteUnit.creating("commercetools", RecordRef("lightspeed", "family-1"))
    assert (new.creates, WriteUnit.parse(str(new)).creates) == (True, True)
    assert not WriteUnit("commercetools", "product-1").creates


@pytest.mark.parametrize("text", ["", "product-1", "product-1:", "product-1:x"])
def test_a_text_that_names_no_variant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        VariantKey.parse(text)
