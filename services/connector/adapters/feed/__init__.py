"""Live events to many open pages from one reader of the database."""
