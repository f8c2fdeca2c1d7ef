"""R15, S01, S03: everything says whose it is, leaves a trace, and somebody is woken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ehr_infra.rules import arm
from ehr_infra.rules.model import UNKNOWN, Facts, Fault, Resource
from ehr_infra.rules.reading import at, certain, differs, items

MANDATORY_TAGS = (
    *("app", "geography", "environment", "dataClass"),
    *("owner", "costCentre", "managedBy", "stack"),
)
_AUDITED = (arm.VAULT, arm.SERVER, arm.ENVIRONMENT, arm.REGISTRY, arm.GATEWAY)


def tagged(resource: Resource, facts: Facts) -> Iterator[str]:
    """R15."""
    tags = at(resource.inputs, "tags")
    if resource.type not in arm.TAGGED or tags is UNKNOWN:
        return
    missing = [name for name in MANDATORY_TAGS if at(tags, name) in (None, "")]
    if missing:
        yield (
            f"tags lack {', '.join(missing)}: nobody can tell whose it is or what it may hold; "
            "set them as the stamp does"
        )
    for name in ("geography", "environment", "stack"):
        if differs(at(tags, name), None, "", str(getattr(facts, name))):
            yield (
                f"tag {name} is {at(tags, name)!r} in stack {facts.stack}: an inventory by tag "
                f"would place it wrongly; set it to {str(getattr(facts, name))!r}"
            )


def audited(resources: Sequence[Resource], _facts: Facts) -> Iterator[Fault]:
    """S01."""
    settings = arm.of_type(resources, arm.DIAGNOSTICS)
    workspaces = arm.of_type(resources, arm.WORKSPACE)
    for resource in arm.of_type(resources, *_AUDITED):
        if all(_keeps_logs(each, resource, workspaces) is False for each in settings):
            yield Fault(
                resource,
                "no diagnostic setting sends its logs to this stamp's workspace: nobody could tell "
                "who read what; add one with categoryGroup allLogs enabled",
            )


def _keeps_logs(
    setting: Resource, resource: Resource, workspaces: Sequence[Resource]
) -> bool | None:
    target = at(setting.inputs, "resourceUri")
    workspace = at(setting.inputs, "workspaceId")
    return _all_hold(
        arm.refers(setting, "resourceUri", target, resource),
        _any_holds(arm.refers(setting, "workspaceId", workspace, each) for each in workspaces),
        _logs_enabled(at(setting.inputs, "logs")),
    )


def _logs_enabled(logs: Any) -> bool | None:
    if any(at(each, "enabled") is True for each in items(logs)):
        return True
    return False if certain(logs) else None


def _group_of_metric_alert(alert: Resource) -> list[Any]:
    return [at(each, "actionGroupId") for each in items(at(alert.inputs, "actions"))]


def _groups_of_query_alert(alert: Resource) -> list[Any]:
    return list(items(at(alert.inputs, "actions.actionGroups")))


def _groups_of_activity_alert(alert: Resource) -> list[Any]:
    return [at(each, "actionGroupId") for each in items(at(alert.inputs, "actions.actionGroups"))]


_ACTION_GROUPS: Mapping[str, Callable[[Resource], list[Any]]] = {
    arm.METRIC_ALERT: _group_of_metric_alert,
    arm.QUERY_ALERT: _groups_of_query_alert,
    arm.ACTIVITY_ALERT: _groups_of_activity_alert,
}


def somebody_is_woken(resources: Sequence[Resource], facts: Facts) -> Iterator[Fault]:
    """S03."""
    groups = arm.of_type(resources, arm.ACTION_GROUP)
    if facts.production and not any(_has_receiver(each) for each in groups):
        yield Fault(
            groups[0] if groups else None,
            "no enabled action group has a receiver: an outage at night is noticed by patients; "
            "set emailReceivers",
        )
    for alert in arm.of_type(resources, *_ACTION_GROUPS):
        if not _reaches(alert, groups):
            yield Fault(
                alert,
                "the alert tells nobody: it does not name this stamp's action group; "
                "set its id in actions",
            )


def _reaches(alert: Resource, groups: Sequence[Resource]) -> bool:
    """It does, or that cannot be told."""
    named = _ACTION_GROUPS[alert.type](alert)
    found = _any_holds(
        arm.refers(alert, "actions", identifier, group) for identifier in named for group in groups
    )
    return found is not False


def _has_receiver(group: Resource) -> bool:
    if at(group.inputs, "enabled") is False:
        return False
    return any(items(value) for entry, value in group.inputs.items() if entry.endswith("Receivers"))


def _all_hold(*verdicts: bool | None) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _any_holds(verdicts: Iterator[bool | None]) -> bool | None:
    told = list(verdicts)
    if True in told:
        return True
    return None if None in told else False
