"""The stamp's parts, one concern a file."""
