"""The life of a stamp, rehearsed with the real engine before Azure sees it (infrastructure.md 5d)."""
