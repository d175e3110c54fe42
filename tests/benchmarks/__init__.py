"""Time, memory and requests at size. `make bench` runs this; docs/performance.md holds the figures."""
