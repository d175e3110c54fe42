"""Switches of the stand-in: limits, and behaviour that the documentation leaves open or that differs in the wild."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OftenEmpty = Literal["never", "always", "alternate"]
Duplicates = Literal["reject", "allow"]
ExistingId = Literal["update", "conflict"]
DuplicateEntries = Literal["refuse", "allow"]
SignatureText = Literal["hex", "base64"]


@dataclass(kw_only=True)
class StoreOptions:
    """Defaults follow the official descriptions, or the stricter reading of their silence. Set them at any time."""

    # Paging. The real default and maximum are not published; callers with 1000 and 5000 are known to be served.
    page_size_default: int = 100
    page_size_max: int = 5000

    # Rate limit: 300 requests a register plus 50, every five minutes, is official; a fixed window is not.
    rate_limit: bool = True
    rate_limit_override: int | None = None
    rate_window_seconds: int = 300
    retry_after_seconds: bool = False
    """`Retry-After` as whole seconds; officially it is an HTTP date."""
    token_rate_limit: int = 600
    """Requests to the token endpoint a window. That it has a limit of its own is official, the figure is not."""

    # OAuth. Life of an access token as in the official example; grace for a used refresh token is undocumented.
    access_token_seconds: int = 86_400
    refresh_grace_seconds: int = 0

    # Shapes that differ between the description and what is served.
    taxes_envelope_version: bool = False
    tags_envelope_version: bool = False
    drop_version_envelope: bool = False
    """No list carries `version` any more: a client must take the greatest version of the rows."""
    categories_double_nested: bool = True
    inventory_bare_array: bool = True
    inventory_levels_null_past_end: bool = True
    money_as_strings: bool = False
    show_including_tax_in_exclusive_stores: bool = True
    empty_put_answer: OftenEmpty = "alternate"
    old_versions_ended: bool = False
    """Whether the update of a product answers 200 with nothing in it; both were seen."""

    # Rules.
    create_honours_track_inventory: bool = False
    """Creation was seen to ignore `track_inventory`: only an update turns it on."""
    duplicate_codes: Duplicates = "reject"
    """A SKU or code that another product carries. Old stores hold duplicates all the same; seed them directly."""
    duplicate_lookup_names: Duplicates = "reject"
    """A second brand, tag, supplier or category of one name."""
    reject_unknown_fields: bool = False
    """Writes of products and customers with a field the API does not know: ignored as far as known, 422 with this
    switch."""
    duplicate_customer_codes: Duplicates = "allow"
    """A customer code that another customer carries: nothing is documented; refused with 400. E-mails are never
    unique."""
    customer_search_lag_seconds: float = 0
    """How long, on the stand-in's clock, a customer that was written stays as it was (or absent) in `/search`. That
    there is an index is documented, its delay is not."""
    customer_search_lag_writes: int = 0
    """How many of the latest writes of customers `/search` does not know yet, however old they are."""
    sale_with_existing_id: ExistingId = "update"
    """What `POST /sales` does with an id that is known: the legacy API updates, the date versions do not say."""
    loyalty: bool = False
    """Whether customers with `enable_loyalty` earn the retailer's ratio of what they pay at the till."""
    pending_sales_take_stock: frozenset[str] = frozenset()
    """Attributes (layby, pickup, delivery) whose sales take stock while they are pending: not documented."""
    base_book_entries: bool = True
    """Every product with a price has an entry in the General Price Book. That its price is kept there is official,
    that the entry follows an edit of the product is inferred. Read when a product's price or tax is set."""
    duplicate_price_book_rows: DuplicateEntries = "allow"
    """A second entry of a price book for the same product and the same bounds; nothing is documented."""
    deleted_price_book_rows_shown: bool = True
    """Whether the feed of entries knows `deleted=true`: it is documented for other feeds and not for this one."""
    webhook_retry_seconds: float = 0.33
    """How long after a failed delivery the second try is made; each further pause is twice as long. As it is, twenty
    tries take the 48 hours that are documented; 0 makes them all at once."""
    webhook_timeout_seconds: float = 5.0
    """How long a receiver may take to answer (documented)."""
    webhook_duplicates: float = 0.0
    """This share of events is delivered twice."""
    webhook_drop: float = 0.0
    """This share is never delivered: delivery is not guaranteed."""
    webhook_late_seconds: float = 0.0
    """Each waits a random time up to this, so that they overtake one another."""
    webhook_shuffle: float = 0.0
    """This share is held back for a moment, so that what happens at about the same time overtakes it."""
    webhook_signature: SignatureText = "hex"
    """Or `base64`: the official sample does not settle it."""
    image_processing_reads: int = 1
    """How often an uploaded image is reported as `processing` before it is `uploaded`."""
