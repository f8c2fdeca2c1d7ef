"""The Dockerfile without Docker: read it, and do what its build stages do."""
