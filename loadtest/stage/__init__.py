"""The stage of a load test: the system it runs on, what is measured of it, and how a run goes from start to verdict."""
