"""Products and variants of a store: rows in, product requests out."""
