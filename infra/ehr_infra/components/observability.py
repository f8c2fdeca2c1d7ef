"""Observability: one workspace for every log of the stamp, and what watches it from outside."""

from collections.abc import Sequence
from typing import Any

from pulumi import ResourceOptions
from pulumi_azure_native import applicationinsights, monitor, operationalinsights

from ehr_infra.site import Component, Site


class Observability(Component):
    """Log Analytics workspace and Application Insights; neither takes a key."""

    def __init__(self, site: Site, parent: Any) -> None:
        super().__init__("Observability", site, parent)
        self.workspace = operationalinsights.Workspace(
            "workspace",
            workspace_name=site.names.regional("log"),
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=site.settings.log_retention_days,
            features=operationalinsights.WorkspaceFeaturesArgs(
                disable_local_auth=True, enable_log_access_using_only_resource_permissions=True
            ),
            **site.place,
            opts=site.keeping(self),
        )
        self.insights = applicationinsights.Component(
            "insights",
            resource_name_=site.names.regional("appi"),
            application_type="web",
            kind="web",
            workspace_resource_id=self.workspace.id,
            disable_local_auth=True,
            disable_ip_masking=False,
            **site.place,
            opts=site.options(self),
        )

    def diagnose(
        self, part: str, target: Any, parent: Any, categories: Sequence[str] = ()
    ) -> monitor.DiagnosticSetting:
        """Every log `target` can write goes to the workspace (rule S01), or those of `categories`.

        Dedicated tables: their columns are documented, and each can have a retention of its own.
        """
        named: list[dict[str, str]] = [{"category": each} for each in categories]
        return monitor.DiagnosticSetting(
            f"diagnostics-{part}",
            name="to-workspace",
            resource_uri=target.id,
            workspace_id=self.workspace.id,
            log_analytics_destination_type="Dedicated",
            logs=[
                monitor.DiagnosticsLogSettingsArgs(enabled=True, **which)
                for which in named or [{"category_group": "allLogs"}]
            ],
            metrics=[monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True)],
            opts=ResourceOptions(parent=parent),
        )
