"""Service: web, feed and worker as container apps, and the job that prepares the database."""

from dataclasses import dataclass
from typing import Any

from pulumi import Output
from pulumi_azure_native import app, managedidentity

from ehr_infra import workload
from ehr_infra.components.base import Base
from ehr_infra.components.containers import (
    container,
    on_concurrent_requests,
    probes,
    suffix_of,
    template,
    traffic,
)
from ehr_infra.components.database import Database
from ehr_infra.components.environment import WORKLOAD_PROFILE, Environment
from ehr_infra.components.registry import CONNECTOR_REPOSITORY, SIMULATORS_REPOSITORY, Registry
from ehr_infra.components.vault import Vault
from ehr_infra.site import Component, Site

_JOB_SECONDS = 900
_WEB_CPU, _SMALL_CPU = 1.0, 0.5
_SIMULATORS = {"ehr": "mock_fhir", "mychart": "mock_mychart", "microsoft": "mock_microsoft"}
_SIMULATOR_PORT = 8080


@dataclass(frozen=True, slots=True)
class Foundation:
    """What the service stands on."""

    base: Base
    vault: Vault
    registry: Registry
    database: Database
    environment: Environment


class Preparation(Component):
    """The job that prepares the database: with the next release's image, before its processes start."""

    def __init__(self, site: Site, parent: Any, ground: Foundation) -> None:
        super().__init__("Preparation", site, parent)
        image = ground.registry.image(CONNECTOR_REPOSITORY, site.settings.job_digest)
        people = ground.base.people
        env = environment_of(site, ground, "migrate")
        env["CONNECTOR_DATABASE_APP_ROLE"] = people.name_of("app")
        keys = container("keys", image, ["keys", "init"], env, cpu=_SMALL_CPU)
        self.job = app.Job(
            "job-migrate",
            job_name=site.names.regional("caj", "migrate"),
            template=app.JobTemplateArgs(
                init_containers=[
                    app.InitContainerArgs(
                        name=keys.name,
                        image=keys.image,
                        args=keys.args,
                        env=keys.env,
                        resources=keys.resources,
                    )
                ],
                containers=[container("migrate", image, ["db", "upgrade"], env, cpu=_SMALL_CPU)],
            ),
            **run_once(site, ground, people.migrate),
            opts=site.options(self, depends_on=[*granted(ground), ground.database.administrator]),
        )


class Service(Component):
    """The connector's processes; everything they may do is granted before they start."""

    def __init__(self, site: Site, parent: Any, ground: Foundation) -> None:
        super().__init__("Service", site, parent)
        self.ground = ground
        self.granted = granted(ground)
        image = ground.registry.image(CONNECTOR_REPOSITORY, site.settings.image_digest)
        self.web_name = self._app_name("connector")
        self.web, self.revision = self._web(image)
        self.feed = self._single("feed", image, workload.FEED_PORT)
        self.worker = self._single("worker", image, None)
        self.smoke = self._smoke(image)
        self.simulators = self._simulators() if site.settings.simulators else {}

    def _app_name(self, part: str) -> str:
        """At most 32 characters."""
        return self.site.names.regional("ca", part)

    def host(self, part: str) -> Output[str]:
        return self.ground.environment.host(self._app_name(part))

    @property
    def candidate_host(self) -> Output[str]:
        """The candidate by its label, inside the network; nobody answers there without one."""
        return self.host("connector---candidate")

    def _web(self, image: Any) -> tuple[app.ContainerApp, Output[str]]:
        """The one app with two revisions side by side."""
        settings = self.site.settings
        content = template(
            container(
                "connector",
                image,
                ["web"],
                environment_of(self.site, self.ground, "app"),
                cpu=_WEB_CPU,
                probes=probes(workload.WEB_PORT),
            ),
            least=settings.min_replicas,
            most=settings.max_replicas,
            rules=[on_concurrent_requests(settings.concurrent_requests)],
        )
        suffix = suffix_of(content, settings.release)
        content.revision_suffix = suffix
        split = traffic(self.web_name, suffix, settings.stable_revision, settings.candidate_weight)
        made = self._app("connector", content, mode="Multiple", port=workload.WEB_PORT, split=split)
        return made, suffix

    def _single(self, part: str, image: Any, port: int | None) -> app.ContainerApp:
        """One revision at a time; a replica for each zone in production."""
        settings = self.site.settings
        content = template(
            container(
                part,
                image,
                [part],
                environment_of(self.site, self.ground, "app"),
                cpu=_SMALL_CPU,
                probes=probes(port) if port else None,
            ),
            least=settings.min_replicas,
            most=settings.min_replicas,
        )
        return self._app(part, content, mode="Single", port=port)

    def _app(
        self,
        part: str,
        content: app.TemplateArgs,
        *,
        mode: str,
        port: int | None,
        split: Any = None,
    ) -> app.ContainerApp:
        people = self.ground.base.people
        who = people.sandbox if part in _SIMULATORS else people.app
        return app.ContainerApp(
            f"app-{part}",
            container_app_name=self._app_name(part),
            environment_id=self.ground.environment.environment.id,
            workload_profile_name=WORKLOAD_PROFILE,
            identity=identity_of(who),
            configuration=app.ConfigurationArgs(
                active_revisions_mode=mode,
                max_inactive_revisions=10,
                registries=registries_of(self.ground, who),
                ingress=self._ingress(port, split) if port else None,
            ),
            template=content,
            **self.site.place,
            opts=self.site.options(self, depends_on=self.granted),
        )

    def _ingress(self, port: int, split: Any) -> app.IngressArgs:
        """External to the environment, which is internal: the gateway reaches it, nobody else."""
        return app.IngressArgs(
            external=True,
            target_port=port,
            transport="http",
            allow_insecure=False,
            traffic=split or [app.TrafficWeightArgs(latest_revision=True, weight=100)],
        )

    def _smoke(self, image: Any) -> app.Job:
        """Asks the candidate, or the app where there is none, whether it is well; started from anywhere."""
        candidate = Output.concat("https://", self.candidate_host)
        whole = Output.concat("https://", self.host("connector"))
        people = self.ground.base.people
        return app.Job(
            "job-smoke",
            job_name=self.site.names.regional("caj", "smoke"),
            template=app.JobTemplateArgs(
                containers=[
                    container(
                        "smoke", image, ["smoke", candidate, "--instead", whole], {}, cpu=_SMALL_CPU
                    )
                ]
            ),
            **run_once(self.site, self.ground, people.app),
            opts=self.site.options(self, depends_on=self.granted),
        )

    def _simulators(self) -> dict[str, app.ContainerApp]:
        """A hosted sandbox for testers: the outside, synthetic; never in production (rule R19)."""
        image = self.ground.registry.image(
            SIMULATORS_REPOSITORY, self.site.settings.simulators_image_digest
        )
        return {
            part: self._app(
                part,
                template(
                    container(
                        part,
                        image,
                        [module, "--port", str(_SIMULATOR_PORT)],
                        workload.simulator(self.site.settings, part),
                        cpu=_SMALL_CPU,
                    ),
                    least=1,
                    most=1,
                ),
                mode="Single",
                port=_SIMULATOR_PORT,
            )
            for part, module in _SIMULATORS.items()
        }


def granted(ground: Foundation) -> list[Any]:
    """What must hold before a container starts."""
    return [
        *ground.vault.grants,
        *ground.registry.grants,
        ground.registry.reachable,
        ground.vault.reachable,
        ground.database.reachable,
        ground.database.database,
    ]


def environment_of(site: Site, ground: Foundation, who: str) -> workload.Env:
    people = ground.base.people
    return workload.connector(
        site.settings,
        vault_uri=ground.vault.vault.properties.vault_uri,
        host=ground.database.server.fully_qualified_domain_name,
        login=people.name_of(who),
        identity=getattr(people, who).client_id,
    )


def identity_of(who: managedidentity.UserAssignedIdentity) -> app.ManagedServiceIdentityArgs:
    return app.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[who.id])


def registries_of(ground: Foundation, who: managedidentity.UserAssignedIdentity) -> list[Any]:
    server = ground.registry.registry.login_server
    return [app.RegistryCredentialsArgs(server=server, identity=who.id)]


def run_once(
    site: Site, ground: Foundation, who: managedidentity.UserAssignedIdentity
) -> dict[str, Any]:
    """What every job shares: started by hand, once, and never again by itself."""
    return {
        "environment_id": ground.environment.environment.id,
        "workload_profile_name": WORKLOAD_PROFILE,
        "identity": identity_of(who),
        "configuration": app.JobConfigurationArgs(
            trigger_type="Manual",
            replica_timeout=_JOB_SECONDS,
            replica_retry_limit=0,
            manual_trigger_config=app.JobConfigurationManualTriggerConfigArgs(
                parallelism=1, replica_completion_count=1
            ),
            registries=registries_of(ground, who),
        ),
        **site.place,
    }
