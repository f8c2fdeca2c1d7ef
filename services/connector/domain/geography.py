"""Data geographies a deployment can belong to (design.md section 7)."""

from enum import StrEnum


class Geography(StrEnum):
    """One deployment serves one geography; a tenant belongs to exactly one."""

    AMERICAS = "americas"
    EMEA = "emea"
    APAC = "apac"
