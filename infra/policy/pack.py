"""Every rule as a mandatory policy: what one resource tells as `R13`, the rest as `R13-stack`.

Two policies where a rule has two parts, because the engine asks them at different times: before a
resource is created, and once all are planned.
"""

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from ehr_infra.rules import RULES, Rule
from ehr_infra.rules.model import Alone, Together
from policy.adapter import Seen, facts

# Nobody has to configure anything: the stack's name, its resources and their tags say enough.
_CONFIG = PolicyConfigSchema(
    {
        "location": {
            "type": "string",
            "description": "The stamp's region; without it, the one most resources are in.",
        },
        "allowCrossCountryBackup": {
            "type": "boolean",
            "description": "A copy in another country of the geography was agreed to; the tag "
            "crossCountryBackup=allowed on the resource says the same.",
        },
    }
)


def policies() -> list[Policy]:
    """All policies; they share what they saw, so a process judges one stack."""
    seen = Seen()
    return [policy for rule in RULES for policy in _policies(rule, seen)]


def _policies(rule: Rule, seen: Seen) -> list[Policy]:
    made: list[Policy] = []
    if rule.alone:
        made.append(_resource_policy(rule, rule.alone, seen))
    if rule.together:
        made.append(_stack_policy(rule, rule.together, seen))
    return made


def _resource_policy(rule: Rule, alone: Alone, seen: Seen) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = seen.register(args)
        for says in alone(resource, facts(args.urn, args.get_config(), resource)):
            report(f"{resource.name}: {says}", None)

    return ResourceValidationPolicy(
        name=rule.id,
        description=_description(rule),
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=_CONFIG,
        display_name=rule.title,
        framework=_framework(rule),
    )


def _stack_policy(rule: Rule, together: Together, seen: Seen) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = seen.whole(args.resources)
        if not resources:
            return
        known = facts(resources[0].urn, args.get_config())
        for fault in together(resources, known):
            subject = fault.resource.name if fault.resource else known.stack
            report(f"{subject}: {fault.says}", fault.resource.urn if fault.resource else None)

    return StackValidationPolicy(
        name=f"{rule.id}-stack" if rule.alone else rule.id,
        description=_description(rule),
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=_CONFIG,
        display_name=rule.title,
        framework=_framework(rule),
    )


def _description(rule: Rule) -> str:
    return f"{rule.title} {rule.why}"


def _framework(rule: Rule) -> PolicyComplianceFramework:
    return PolicyComplianceFramework(
        name="HIPAA Security Rule",
        reference=f"45 CFR {rule.safeguard.section}",
        specification=rule.safeguard.value,
    )
