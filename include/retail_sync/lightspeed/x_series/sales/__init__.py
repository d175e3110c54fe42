"""Sales of a store: documents in, sales with their payments out."""
