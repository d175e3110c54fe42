"""Lightspeed Retail X-Series, API 2026-07.

Reading: `paging` walks lists, `reading` turns product rows into canonical tables with the facts of the store
(`references`). Writing: `products_2026_07` builds product requests (the part the API changes with version 2026-10),
`writing` holds the strict bodies. `client` is HTTP and its errors; `products` is the face the engine sees.
"""
