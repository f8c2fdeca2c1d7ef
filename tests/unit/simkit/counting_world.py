"""The smallest world a simulator can have."""

from typing import Any


class CountingWorld:
    def __init__(self) -> None:
        self.count = 0
        self.resets = 0

    def reset(self) -> None:
        self.count = 0
        self.resets += 1

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        if "count" not in document:
            raise ValueError("say how many: count")
        self.count = document["count"]
        return {"count": self.count}

    def state(self) -> dict[str, Any]:
        return {"count": self.count}
