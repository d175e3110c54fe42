"""What a system, or a series of it, can do where they differ: data, so that nobody asks which one it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """`whole_products`: whether a product is always read with all its variants, so that one that is missing is asked
    for. `max_variants`, `max_options`: most variants and options of a product; None: no limit is documented."""

    whole_products: bool
    max_variants: int | None = None
    max_options: int | None = None
