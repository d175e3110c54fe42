"""Stock: what every online channel may offer, computed from the levels of the till. It never flows back.

For each article (one SKU online, one product at the till) and each channel

    figure    = rules( levels of the channel's locations - web orders the till does not know yet )
    on stock  = figure + (what the entry has reserved)                         what is written
    available = on stock - reserved = figure                                   what customers see

`reserved` is measured, the difference between both figures of the entry, and is not derived from orders: the algebra
holds whether an order's reservation stands until it is delivered, is taken from stock at once, or whether orders do
not touch entries at all. Of orders only those count that the till does not know: an exported one has lowered its level.
Where carts may reserve (the project says so), nothing tells their goods from orders': `on stock = figure` is written,
and what is reserved is offered to nobody. An order of a composite takes its parts, and concerns all that share them.

Three orders of reading make this safe. Entries are read before orders: whatever is reserved in an entry, its order is
known. Orders are read before levels: whatever an order says to be exported, its level shows it. And an entry is written
only at the version that was read: a reservation that came meanwhile refuses the write, and all three are read again.
What comes too late for that makes a figure too small until the next run, never too large.

This package knows records, ledger and settings; no HTTP, no Airflow, no system's name for a field.
"""
