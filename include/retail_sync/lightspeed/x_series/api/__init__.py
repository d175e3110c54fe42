"""What every folder of this series stands on: client, feeds by version, wire models, data of the store."""
