"""What both adapters show the engine, entity by entity, and the messages that cross."""
