"""Guard: Azure itself refuses what would leave the region, whoever asks and however.

The rules of `ehr_infra.rules` look at what Pulumi does; this one also stops a click in the portal.
"""

from typing import Any

from pulumi_azure_native import authorization

from ehr_infra.site import Component, Site

# https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies#general
ALLOWED_LOCATIONS = "e56962a6-4747-49cd-b67b-bf8b01975c4c"


class Guard(Component):
    """Allowed locations, assigned to the stamp's group before anything is put into it."""

    def __init__(self, site: Site, parent: Any) -> None:
        super().__init__("Guard", site, parent)
        self.assignment = authorization.PolicyAssignment(
            "allowed-locations",
            policy_assignment_name="allowed-locations",
            display_name=f"Only {site.settings.location}: data of {site.settings.geography} stays there",
            policy_definition_id=(
                f"/providers/Microsoft.Authorization/policyDefinitions/{ALLOWED_LOCATIONS}"
            ),
            scope=site.group.id,
            enforcement_mode="Default",
            parameters={
                "listOfAllowedLocations": authorization.ParameterValuesValueArgs(
                    value=[site.settings.location]
                )
            },
            non_compliance_messages=[
                authorization.NonComplianceMessageArgs(
                    message=f"This stamp keeps data of {site.settings.geography}: use {site.settings.location}."
                )
            ],
            opts=site.options(self),
        )
