"""Prices of a store: those of products, and those of price books."""
