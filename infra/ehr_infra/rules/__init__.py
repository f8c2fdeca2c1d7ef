"""What must hold in every stamp, as pure functions over registered resources.

Used three ways: by the tests over a recorded run of the program, by the CrossGuard pack in
`infra/policy` during preview and update, and by `pulumi policy analyze` over what is deployed.
"""

from ehr_infra.rules.model import UNKNOWN, Facts, Finding, Resource, Rule, Safeguard
from ehr_infra.rules.oversight import MANDATORY_TAGS
from ehr_infra.rules.rulebook import RULES, as_markdown, check, rule

__all__ = [
    "MANDATORY_TAGS",
    "RULES",
    "UNKNOWN",
    "Facts",
    "Finding",
    "Resource",
    "Rule",
    "Safeguard",
    "as_markdown",
    "check",
    "rule",
]
