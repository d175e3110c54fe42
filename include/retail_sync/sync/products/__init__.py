"""Products and variants: matched by identifiers, merged field by field, checked before anything is written."""
