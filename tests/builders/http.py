"""The guarded way out as tests use it: only the test's own authority is worth reading."""

import os
from typing import Any

import pytest

from connector.adapters.system.http import GuardedHttp


def guarded_http(
    ca_file: str, trusted_private_hosts: frozenset[str] = frozenset({"localhost"}), **options: Any
) -> GuardedHttp:
    """Without the machine's own authorities, which take 30 ms to read: in every test, half a minute."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", os.devnull)
        environment.setenv("SSL_CERT_DIR", os.devnull)
        return GuardedHttp(ca_file, trusted_private_hosts, **options)
