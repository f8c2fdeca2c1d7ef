"""What a PostgreSQL size carries, and what the connector's processes ask of it.

https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-limits (read 2026-11)
"""

import re

_SIZE = re.compile(r"Standard_([BDE])(\d+)[a-z]+(_v\d)?")
_TIERS = {"B": "Burstable", "D": "GeneralPurpose", "E": "MemoryOptimized"}
_GIB_PER_VCORE = {"D": 4, "E": 8}
_BURSTABLE_CONNECTIONS = {"Standard_B1ms": 50, "Standard_B2s": 429, "Standard_B2ms": 859}
_CONNECTIONS_PER_GIB = 107.4  # the default of max_connections; it ends at 5,000
_MOST_CONNECTIONS = 5000
RESERVED_CONNECTIONS = 15  # for replication and superusers
SINGLE_PROCESS_POOL = 16  # of worker and feed each; of a web process: its threads


def tier(sku: str) -> str | None:
    """`Burstable`, `GeneralPurpose` or `MemoryOptimized`; None if `sku` is no size we know."""
    match = _SIZE.fullmatch(sku)
    return _TIERS[match[1]] if match and user_connections(sku) else None


def user_connections(sku: str) -> int | None:
    """How many connections are left for us at the size's default; None if the size is unknown."""
    if sku in _BURSTABLE_CONNECTIONS:
        return _BURSTABLE_CONNECTIONS[sku] - RESERVED_CONNECTIONS
    match = _SIZE.fullmatch(sku)
    if match is None or match[1] not in _GIB_PER_VCORE:
        return None
    memory = _GIB_PER_VCORE[match[1]] * int(match[2])
    return min(int(memory * _CONNECTIONS_PER_GIB), _MOST_CONNECTIONS) - RESERVED_CONNECTIONS


def connections_asked(*, web_replicas: int, workers: int, threads: int, others: int) -> int:
    """At most, when every pool is full; `others` counts replicas of worker and feed."""
    return web_replicas * workers * threads + others * SINGLE_PROCESS_POOL
