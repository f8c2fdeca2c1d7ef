"""What is watched, and from when on it is too much: every alert of the stamp as data.

Each name is an anchor of docs/runbooks/stamp.md; a test compares.
https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index
"""

from typing import NamedTuple

CRITICAL, ERROR, WARNING = 0, 1, 2
CONNECTION_SHARE = 0.8
FAILING_PERCENT, REFUSED_PERCENT, SLOW_SECONDS = 2, 2, 3


class Metric(NamedTuple):
    """A platform metric; `dimension` narrows it to one value."""

    name: str
    says: str
    metric: str
    operator: str
    threshold: float
    aggregation: str
    severity: int
    dimension: tuple[str, str] | None = None


class Query(NamedTuple):
    """A question to the workspace; `column` None: the number of lines counts."""

    name: str
    says: str
    query: str
    column: str | None
    threshold: float


class Activity(NamedTuple):
    """Something was done to the guard rails themselves."""

    name: str
    says: str
    operation: str


OF_DATABASE = (
    Metric(
        "database-down",
        "The database does not answer",
        "is_db_alive",
        "LessThan",
        1,
        "Maximum",
        CRITICAL,
    ),
    Metric(
        "database-full",
        "The database's storage fills up",
        "storage_percent",
        "GreaterThan",
        80,
        "Average",
        ERROR,
    ),
    Metric(
        "database-busy",
        "The database's processor is busy",
        "cpu_percent",
        "GreaterThan",
        80,
        "Average",
        WARNING,
    ),
)
OF_VAULT = (
    Metric(
        "vault-refuses",
        "The vault refuses callers",
        "ServiceApiResult",
        "GreaterThan",
        20,
        "Count",
        ERROR,
        ("StatusCode", "403"),
    ),
)
OF_GATEWAY = (
    Metric(
        "gateway-unhealthy",
        "The gateway finds an app unhealthy",
        "UnhealthyHostCount",
        "GreaterThan",
        0,
        "Average",
        ERROR,
    ),
)
OF_APP = (
    Metric(
        "app-restarts",
        "Containers restart again and again",
        "RestartCount",
        "GreaterThan",
        3,
        "Maximum",
        ERROR,
    ),
)
_REQUESTS = """ContainerAppConsoleLogs
| where Log has "http.request.finish"
| extend told = parse_json(Log)
"""
_LAUNCH_REQUESTS = f"""{_REQUESTS}| where tostring(told.route) startswith "/launch/"
"""
QUERIES = (
    Query(
        "requests-fail",
        f"More than {FAILING_PERCENT} % of requests fail",
        _REQUESTS
        + """| summarize failed = countif(toint(told.status) >= 500 and tostring(told.outcome) != "shed"), asked = count()
| where asked >= 20
| project percent = 100.0 * failed / asked""",
        "percent",
        FAILING_PERCENT,
    ),
    Query(
        "launches-refused",
        f"More than {REFUSED_PERCENT} % of launch requests are asked to come again",
        _LAUNCH_REQUESTS
        + """| summarize refused = countif(tostring(told.outcome) == "shed"), asked = count()
| where asked >= 20
| project percent = 100.0 * refused / asked""",
        "percent",
        REFUSED_PERCENT,
    ),
    Query(
        "launches-slow",
        f"Launch requests take over {SLOW_SECONDS} s (p95)",
        _LAUNCH_REQUESTS
        + """| summarize p95 = percentile(todouble(told.duration_ms), 95) / 1000""",
        "p95",
        SLOW_SECONDS,
    ),
    Query(
        "unexpected-errors",
        "The connector caught unexpected errors",
        """ContainerAppConsoleLogs
| where Log has "process.error.catch\"""",
        None,
        5,
    ),
)
ACTIVITIES = (
    Activity(
        "policy-removed",
        "The allowed-locations policy was removed",
        "Microsoft.Authorization/policyAssignments/delete",
    ),
    Activity(
        "administrator-added",
        "Somebody became administrator of the database",
        "Microsoft.DBforPostgreSQL/flexibleServers/administrators/write",
    ),
    Activity("lock-removed", "A lock was removed", "Microsoft.Authorization/locks/delete"),
    Activity("vault-removed", "The vault was deleted", "Microsoft.KeyVault/vaults/delete"),
)
UNREACHABLE = ("unreachable", "The stamp does not answer from outside, or its certificate ends")


def few_connections(most: int) -> Metric:
    return Metric(
        "database-connections",
        "Few connections to the database are left",
        "active_connections",
        "GreaterThan",
        int(CONNECTION_SHARE * most),
        "Maximum",
        ERROR,
    )


def few_replicas(least: int) -> Metric:
    return Metric(
        "app-replicas",
        "Fewer replicas run than should",
        "Replicas",
        "LessThan",
        least,
        "Maximum",
        ERROR,
    )
