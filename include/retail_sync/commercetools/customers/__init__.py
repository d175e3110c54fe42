"""Customers of a project: clear rows in, drafts and update actions out."""
