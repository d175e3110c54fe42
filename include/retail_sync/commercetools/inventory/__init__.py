"""Inventory entries by supply channel, and the orders that hold goods."""
