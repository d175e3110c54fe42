"""What tasks do when they run: open what they need, call the engine, log what came of it."""
