"""The base of every settings model: unknown keys are errors, values are frozen."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from retail_sync.records.currencies import CURRENCY_PATTERN

SystemName = Literal["commercetools", "lightspeed"]
Owner = Literal["commercetools", "lightspeed", "newest", "review", "none"]
Severity = Literal["block", "hold", "drop field", "warn", "off"]
"""What any rule may do; the rules of an entity that does less have a type of their own."""
Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN)]
"""An ISO 4217 code in capital letters, or a name commercetools has for the same money in whole units (HUF0). A misspelt
one would match no amount, and say nothing."""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
