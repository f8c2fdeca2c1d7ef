"""The parts of `scripts/promote.py`: a client of the connector's API, and nothing of the connector."""
