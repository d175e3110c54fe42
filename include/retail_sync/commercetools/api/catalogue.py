"""Which catalogue model a project uses, and what can run on it. Rule 18: what was not written for is refused by name.

`productCatalogModel` is absent or `Classic` where variants live inside their products. In `Modular` they are resources
of their own, and `products` shows none. In `InMigration` (release of 18 September 2026) `products` still shows and
takes embedded variants, but carts, orders and tailoring resolve the new ones: whatever is written to the embedded
copies reaches no customer. A fourth value may follow.
"""

from __future__ import annotations

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.wire import Project
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.preflight import PreflightReport

CLASSIC = "Classic"
EMBEDDED_VARIANTS = ("products", "prices")
"""Entities that read and write the variants inside products: refused."""
BY_SKU = ("inventory", "orders", "sales")
"""Entities that name variants by SKU: right as long as both copies of a variant have the same one. They follow links
that the DAG `products` no longer keeps up to date."""
_REMEDY = (
    "Keep the DAGs products and prices paused until a release of this package supports this catalogue model."
)


def is_classic(project: Project) -> bool:
    return project.productCatalogModel in (None, CLASSIC)


def require_classic(project: Project) -> None:
    """Raises ConfigurationFault for every catalogue model whose variants this package can't read and write."""
    if not is_classic(project):
        raise ConfigurationFault(
            f"The project's catalogue model is {project.productCatalogModel}; only {CLASSIC} catalogues are supported, "
            "whose variants live inside their products.",
            system=SYSTEM,
            remedy=_REMEDY,
        )


def check_catalogue(report: PreflightReport, project: Project) -> None:
    """What the catalogue model means for each entity."""
    model = project.productCatalogModel
    if is_classic(project):
        report.ok("project", f"{project.key} ({project.name or 'no name'}), Classic catalogue")
        return
    for entity in EMBEDDED_VARIANTS:
        report.error(
            f"catalogue: {entity}", f"the catalogue model is {model}: {entity} refuses to run", _REMEDY
        )
    for entity in BY_SKU:
        report.warn(
            f"catalogue: {entity}",
            f"the catalogue model is {model}: {entity} goes by SKU and by links that are no longer updated",
            f"Run {entity} only while embedded and standalone variants have the same SKUs.",
        )
    report.ok("catalogue: customers", f"the catalogue model is {model}, which customers do not depend on")
