"""What every entity's run is made of: extract, staging, plan, apply, settle. Knows no entity and no system."""
