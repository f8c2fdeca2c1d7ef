"""Alerts: what wakes whom, each with the page that says what to do (docs/runbooks/stamp.md).

https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index
"""

from typing import Any

from pulumi import ResourceOptions
from pulumi_azure_native import applicationinsights, consumption, monitor

from ehr_infra import capacity
from ehr_infra.components.alert_catalogue import (
    ACTIVITIES,
    CRITICAL,
    ERROR,
    OF_APP,
    OF_DATABASE,
    OF_GATEWAY,
    OF_VAULT,
    QUERIES,
    UNREACHABLE,
    Activity,
    Metric,
    Query,
    few_connections,
    few_replicas,
)
from ehr_infra.components.ingress import Ingress
from ehr_infra.components.observability import Observability
from ehr_infra.components.service import Foundation, Service
from ehr_infra.site import Component, Site

# Where the web test asks from: agents of the geography only.
# https://learn.microsoft.com/azure/azure-monitor/app/availability-standard-tests#location-population-tags
_AGENTS = {
    "americas": [
        "us-va-ash-azr",
        "us-il-ch1-azr",
        "us-ca-sjc-azr",
        "us-tx-sn1-azr",
        "us-fl-mia-edge",
    ],
    "emea": [
        "emea-nl-ams-azr",
        "emea-gb-db3-azr",
        "emea-se-sto-edge",
        "emea-fr-pra-edge",
        "emea-ch-zrh-edge",
    ],
    "apac": ["apac-hk-hkn-azr", "apac-sg-sin-azr", "apac-jp-kaw-edge", "emea-au-syd-edge"],
}
_MAY_FAIL = 2  # agents that have a bad moment at once, and nobody is woken


class Alerts(Component):
    """Action group first: rule S03 wants every alert to reach somebody."""

    def __init__(self, site: Site, parent: Any) -> None:
        super().__init__("Alerts", site, parent)
        self.group = monitor.ActionGroup(
            "people",
            action_group_name=site.names.regional("ag"),
            group_short_name="ehr-oncall",
            location="global",
            enabled=True,
            email_receivers=[
                monitor.MicrosoftCommonEmailReceiverArgs(
                    name=f"on-call-{number}", email_address=address, use_common_alert_schema=True
                )
                for number, address in enumerate(site.settings.alert_emails, start=1)
            ],
            resource_group_name=site.group.name,
            tags=dict(site.tags),
            opts=site.options(self),
        )

    def watch_foundation(self, ground: Foundation) -> None:
        size = self.site.settings.database_sku
        connections = few_connections(capacity.user_connections(size) or 0)
        self._metrics(ground.database.server, "", (*OF_DATABASE, connections))
        self._metrics(ground.vault.vault, "", OF_VAULT)
        for each in ACTIVITIES:
            self._activity(each)
        self._budget()

    def watch_service(self, service: Service, ingress: Ingress, seen: Observability) -> None:
        of_app = (*OF_APP, few_replicas(self.site.settings.min_replicas))
        self._metrics(service.web, "-connector", of_app)
        self._metrics(service.worker, "-worker", of_app)
        self._metrics(service.feed, "-feed", of_app)
        self._metrics(ingress.gateway, "", OF_GATEWAY)
        for each in QUERIES:
            self._query(each, seen)
        self._from_outside(seen)

    def _says(self, name: str, says: str) -> str:
        """The description every mail carries; nothing of a person can be in it."""
        return f"{says}. What to do: {self.site.settings.runbook_base_url}/stamp.md#{name}"

    def _metrics(self, target: Any, of: str, watched: tuple[Metric, ...]) -> None:
        for each in watched:
            name = f"{each.name}{of}"
            monitor.MetricAlert(
                f"alert-{name}",
                rule_name=self.site.names.regional("alert", name),
                description=self._says(each.name, each.says),
                severity=each.severity,
                enabled=True,
                scopes=[target.id],
                evaluation_frequency="PT1M",
                window_size="PT5M",
                auto_mitigate=True,
                criteria=_criteria(each),
                actions=[monitor.MetricAlertActionArgs(action_group_id=self.group.id)],
                location="global",
                resource_group_name=self.site.group.name,
                tags=dict(self.site.tags),
                opts=self.site.options(self),
            )

    def _query(self, each: Query, seen: Observability) -> None:
        monitor.ScheduledQueryRule(
            f"alert-{each.name}",
            rule_name=self.site.names.regional("alert", each.name),
            display_name=each.says,
            description=self._says(each.name, each.says),
            kind="LogAlert",
            severity=ERROR,
            enabled=True,
            scopes=[seen.workspace.id],
            evaluation_frequency="PT5M",
            window_size="PT15M",
            auto_mitigate=True,
            # The tables appear with the first line written to them.
            skip_query_validation=True,
            criteria=monitor.ScheduledQueryRuleCriteriaArgs(
                all_of=[
                    monitor.ConditionArgs(
                        query=each.query,
                        time_aggregation="Maximum" if each.column else "Count",
                        metric_measure_column=each.column,
                        operator="GreaterThan",
                        threshold=each.threshold,
                        failing_periods=monitor.ConditionFailingPeriodsArgs(
                            number_of_evaluation_periods=1, min_failing_periods_to_alert=1
                        ),
                    )
                ]
            ),
            actions=monitor.ActionsArgs(action_groups=[self.group.id]),
            **self.site.place,
            opts=self.site.options(self),
        )

    def _activity(self, each: Activity) -> None:
        conditions = (("category", "Administrative"), ("operationName", each.operation))
        monitor.ActivityLogAlert(
            f"alert-{each.name}",
            activity_log_alert_name=self.site.names.regional("alert", each.name),
            description=self._says(each.name, each.says),
            enabled=True,
            location="global",
            scopes=[self.site.group.id],
            condition=monitor.AlertRuleAllOfConditionArgs(
                all_of=[
                    monitor.AlertRuleAnyOfOrLeafConditionArgs(field=field, equals=value)
                    for field, value in conditions
                ]
            ),
            actions=monitor.ActionListArgs(
                action_groups=[monitor.ActionGroupArgs(action_group_id=self.group.id)]
            ),
            resource_group_name=self.site.group.name,
            tags=dict(self.site.tags),
            opts=self.site.options(self),
        )

    def _budget(self) -> None:
        settings = self.site.settings
        consumption.Budget(
            "budget",
            budget_name=self.site.names.regional("budget"),
            scope=self.site.group.id,
            amount=settings.monthly_budget,
            category="Cost",
            time_grain="Monthly",
            # A fixed start: one that moves would be a difference at every run.
            time_period=consumption.BudgetTimePeriodArgs(
                start_date=f"{settings.budget_start.isoformat()}T00:00:00Z"
            ),
            notifications={
                name: consumption.NotificationArgs(
                    enabled=True,
                    operator="GreaterThan",
                    threshold=percent,
                    threshold_type=kind,
                    contact_emails=list(settings.alert_emails),
                    contact_groups=[self.group.id],
                )
                for name, percent, kind in (
                    ("most", 80, "Actual"),
                    ("all", 100, "Actual"),
                    ("forecast", 110, "Forecasted"),
                )
            },
            opts=self.site.options(self),
        )

    def _from_outside(self, seen: Observability) -> None:
        """Somebody else's network asks whether the stamp answers, every five minutes."""
        settings = self.site.settings
        place = dict(self.site.place)
        place["tags"] = seen.insights.id.apply(
            lambda id_: {**self.site.tags, f"hidden-link:{id_}": "Resource"}
        )
        test = applicationinsights.WebTest(
            "availability",
            web_test_name=self.site.names.regional("webtest"),
            synthetic_monitor_id=self.site.names.regional("webtest"),
            web_test_kind="standard",
            kind="standard",
            enabled=True,
            frequency=300,
            timeout=30,
            retry_enabled=True,
            locations=[
                applicationinsights.WebTestGeolocationArgs(location=agent)
                for agent in _AGENTS[settings.geography]
            ],
            request=applicationinsights.WebTestPropertiesRequestArgs(
                http_verb="GET", request_url=f"https://{settings.host_name}/readyz"
            ),
            validation_rules=applicationinsights.WebTestPropertiesValidationRulesArgs(
                expected_http_status_code=200,
                s_sl_check=True,
                s_sl_cert_remaining_lifetime_check=21,
            ),
            **place,
            opts=self.site.options(self),
        )
        self._unavailable(test, seen)

    def _unavailable(self, test: Any, seen: Observability) -> None:
        name, says = UNREACHABLE
        monitor.MetricAlert(
            f"alert-{name}",
            rule_name=self.site.names.regional("alert", name),
            description=self._says(name, says),
            severity=CRITICAL,
            enabled=True,
            scopes=[test.id, seen.insights.id],
            evaluation_frequency="PT1M",
            window_size="PT5M",
            auto_mitigate=True,
            criteria=monitor.WebtestLocationAvailabilityCriteriaArgs(
                odata_type="Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria",
                web_test_id=test.id,
                component_id=seen.insights.id,
                failed_location_count=len(_AGENTS[self.site.settings.geography]) - _MAY_FAIL,
            ),
            actions=[monitor.MetricAlertActionArgs(action_group_id=self.group.id)],
            location="global",
            resource_group_name=self.site.group.name,
            tags=dict(self.site.tags),
            opts=ResourceOptions(parent=self),
        )


def _criteria(each: Metric) -> monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs:
    dimensions = (
        [
            monitor.MetricDimensionArgs(
                name=each.dimension[0], operator="Include", values=[each.dimension[1]]
            )
        ]
        if each.dimension
        else None
    )
    return monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
        odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        all_of=[
            monitor.MetricCriteriaArgs(
                criterion_type="StaticThresholdCriterion",
                name=each.metric,
                metric_name=each.metric,
                operator=each.operator,
                threshold=each.threshold,
                time_aggregation=each.aggregation,
                dimensions=dimensions,
            )
        ],
    )
