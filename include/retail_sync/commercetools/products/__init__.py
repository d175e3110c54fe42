"""Products and variants of a project: projections in, update actions out."""
