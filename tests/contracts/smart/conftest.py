from tests.fakes.wired_ehr import (
    authority,
    ca_file,
    clock,
    connector_keys,
    ehr,
    http,
    ids,
    smart,
    wire,
)

__all__ = ["authority", "ca_file", "clock", "connector_keys", "ehr", "http", "ids", "smart", "wire"]
