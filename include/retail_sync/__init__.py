"""The code behind the DAGs: one package a room, each docstring says what the room may and may not know."""

__version__ = "0.1.0"
