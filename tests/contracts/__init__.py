"""Suites that every adapter runs: what is promised of all of them, whoever they speak to."""
