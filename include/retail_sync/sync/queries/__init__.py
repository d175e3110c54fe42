"""What the console and the command line ask of the engine: explanations, drift, what a hold allows. Writes nothing."""
