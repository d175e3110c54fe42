"""What every folder of this adapter stands on: client, walks and windows, wire models, reference data."""
