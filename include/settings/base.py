"""The base of every settings model: unknown keys are errors, values are frozen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SystemName = Literal["commercetools", "lightspeed"]
Owner = Literal["commercetools", "lightspeed", "newest", "review", "none"]
Severity = Literal["block", "hold", "drop field", "warn", "off"]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
