"""The API below /api/v1, for scripts and pipelines (docs/api.md)."""
