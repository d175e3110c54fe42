"""Shops of one entity each: what people do in them, and what there is to see. Each is a view of one `World`."""
