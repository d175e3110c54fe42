"""A module a page: its routes, and what they ask the ledger and the engine. Templates have the page's name."""
