"""The approver's part of a configuration, played: stored revisions, both sign-ins."""

from urllib.parse import urlencode

from tests.builders.configurations import the_approver
from tests.builders.launches import PROVIDER_USER
from tests.builders.world import World

from connector.domain.configuration import Revision
from connector.domain.launch import EhrUser
from connector.usecases.approve_configuration import EhrSignInRequest

OLIVIA = the_approver()
ID = "rev-test-1"


def stored(world: World, revision_id: str = ID) -> Revision:
    with world.store.read() as tx:
        revision = tx.configurations.revision(revision_id)
    assert revision is not None
    return revision


def at_the_ehr(
    world: World, request: EhrSignInRequest, user: EhrUser = PROVIDER_USER
) -> dict[str, str]:
    return world.smart.sign_in(f"{request.endpoint}?{urlencode(request.parameters)}", user)


def prove(world: World, revision_id: str = ID) -> Revision:
    """Both sign-ins of the approver."""
    request = world.approve_configuration.begin_ehr_sign_in(OLIVIA, revision_id)
    query = at_the_ehr(world, request)
    return world.approve_configuration.complete_ehr_sign_in(
        OLIVIA, request.transaction, query, "ref-ehr"
    )
