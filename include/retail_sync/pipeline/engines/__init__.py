"""The steps of each entity's run."""
