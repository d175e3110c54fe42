"""The read side of the ledger: what people look at, page by page and within an index."""
