"""Embedded and standalone prices of a project, by the lists of the configuration."""
