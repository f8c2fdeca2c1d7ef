"""Firewall: what the gateway refuses, what it must let through, and what it may not write down.

https://learn.microsoft.com/azure/web-application-firewall/ag/ag-overview
"""

from typing import Any

from pulumi_azure_native import network

from ehr_infra.site import Component, Site
from ehr_infra.values import SIMULATORS
from ehr_infra.workload import simulator_host

_RULE_SET = ("Microsoft_DefaultRuleSet", "2.1")
# Protocol parameters whose values are addresses, sealed texts or codes: to the rule set they look
# like an attack (an `iss` is an address of another host, which is what a remote inclusion is).
_PROTOCOL_ARGUMENTS = (
    "iss",
    "aud",
    "launch",
    "code",
    "state",
    "nonce",
    "redirect_uri",
    "client_info",
    "session_state",
    "id_token",
    "fhir_base_url",
    "client_assertion",
    "validationToken",
    "csrf_token",
    "next",
)
# One match of theirs blocks, and `--` in a sealed cookie is a match: two tokens of a hundred have it.
# https://learn.microsoft.com/azure/web-application-firewall/ag/application-gateway-crs-rulegroups-rules
_NOISY_RULES = ("942110", "942150", "942260", "942430", "942440")


def firewall_policy(site: Site, parent: Component) -> network.WebApplicationFirewallPolicy:
    """In prevention; bodies are inspected up to 128 KB, and refused above 2 MB."""
    return network.WebApplicationFirewallPolicy(
        "firewall",
        policy_name=site.names.regional("waf"),
        policy_settings=network.PolicySettingsArgs(
            mode="Prevention",
            state="Enabled",
            request_body_check=True,
            request_body_enforcement=True,
            request_body_inspect_limit_in_kb=128,
            max_request_body_size_in_kb=2000,
            file_upload_enforcement=True,
            file_upload_limit_in_mb=1,
            log_scrubbing=_scrubbing(),
        ),
        managed_rules=network.ManagedRulesDefinitionArgs(
            managed_rule_sets=[
                network.ManagedRuleSetArgs(
                    rule_set_type=_RULE_SET[0],
                    rule_set_version=_RULE_SET[1],
                    rule_group_overrides=[_noisy_rules()],
                )
            ],
            exclusions=[
                *(_exclusion("RequestArgValues", name) for name in _PROTOCOL_ARGUMENTS),
                _exclusion("RequestCookieValues", "__Host-", "StartsWith"),
            ],
        ),
        custom_rules=[_inside_only(), _graph_posts(), *_sandbox_posts(site)],
        **site.place,
        opts=site.options(parent),
    )


def _noisy_rules() -> network.ManagedRuleGroupOverrideArgs:
    return network.ManagedRuleGroupOverrideArgs(
        rule_group_name="SQLI",
        rules=[
            network.ManagedRuleOverrideArgs(rule_id=rule, state="Disabled") for rule in _NOISY_RULES
        ],
    )


def _exclusion(
    variable: str, selector: str, operator: str = "Equals"
) -> network.OwaspCrsExclusionEntryArgs:
    return network.OwaspCrsExclusionEntryArgs(
        match_variable=variable, selector_match_operator=operator, selector=selector
    )


def _scrubbing() -> network.PolicySettingsLogScrubbingArgs:
    """A launch's parameters, cookies and bodies may not reach a log (product promise, 6)."""
    everything = [
        network.WebApplicationFirewallScrubbingRulesArgs(
            match_variable=variable, selector_match_operator="EqualsAny", state="Enabled"
        )
        for variable in (
            "RequestArgNames",
            "RequestHeaderNames",
            "RequestCookieNames",
            "RequestPostArgNames",
            "RequestJSONArgNames",
            "RequestIPAddress",
        )
    ]
    return network.PolicySettingsLogScrubbingArgs(state="Enabled", scrubbing_rules=everything)


def _inside_only() -> Any:
    return _rule("insideOnly", 10, "Block", ("RequestUri", None), "BeginsWith", ["/metrics"])


def _graph_posts() -> Any:
    """Encrypted texts in lists, whose names no exclusion reaches; the connector proves who sent them."""
    return _rule("graphNotifications", 20, "Allow", ("RequestUri", None), "BeginsWith", ["/graph/"])


def _sandbox_posts(site: Site) -> list[Any]:
    """The simulated outside speaks protocols that look like attacks, to synthetic people only."""
    if not site.settings.simulators:
        return []
    hosts = [simulator_host(site.settings, part) for part in sorted(SIMULATORS)]
    return [_rule("sandbox", 30, "Allow", ("RequestHeaders", "Host"), "Equal", hosts)]


def _rule(
    name: str,
    priority: int,
    action: str,
    variable: tuple[str, str | None],
    operator: str,
    values: list[str],
) -> Any:
    return network.WebApplicationFirewallCustomRuleArgs(
        name=name,
        priority=priority,
        rule_type="MatchRule",
        action=action,
        match_conditions=[
            network.MatchConditionArgs(
                match_variables=[
                    network.MatchVariableArgs(variable_name=variable[0], selector=variable[1])
                ],
                operator=operator,
                match_values=values,
                transforms=["Lowercase"],
            )
        ],
    )
