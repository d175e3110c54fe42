"""Inventory levels by outlet, adjustments, and goods on their way."""
