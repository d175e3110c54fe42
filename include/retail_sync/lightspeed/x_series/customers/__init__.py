"""Customers of a store: clear rows in, request bodies out."""
