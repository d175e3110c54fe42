"""What tests are built of, and none themselves: shops, runs, workers that die or sleep, what is looked for."""
