"""Who calls Graph, and what that application may do: token, roles, application access policy.

https://learn.microsoft.com/graph/auth-v2-service
"""

from dataclasses import dataclass
from typing import Any

import jwt
from flask import g, request

from mock_microsoft.directory import Person, Tenant
from mock_microsoft.entra.claims import sts_issuer
from mock_microsoft.graph.errors import (
    BadRequest,
    InvalidToken,
    MissingRole,
    NoAccessPolicy,
    UserNotFound,
)
from mock_microsoft.identifiers import is_guid
from mock_microsoft.world import World, current_world

GRAPH_AUDIENCES = ("https://graph.microsoft.com", "https://graph.microsoft.com/")
# RFC 7519 4.1.4 allows a few minutes for clocks that differ; Entra's own middleware grants five.
LEEWAY_SECONDS = 300

READ_MEETINGS = frozenset({"OnlineMeetings.Read.All", "OnlineMeetings.ReadWrite.All"})
WRITE_MEETINGS = frozenset({"OnlineMeetings.ReadWrite.All"})
READ_ATTENDANCE = frozenset({"OnlineMeetingArtifact.Read.All"})
READ_VIRTUAL_APPOINTMENT = frozenset(
    {"VirtualAppointment.Read.All", "VirtualAppointment.ReadWrite.All"}
)
READ_USERS = frozenset({"User.Read.All", "User.ReadBasic.All", "Directory.Read.All"})


@dataclass(frozen=True, slots=True)
class Caller:
    app_id: str
    tenant: Tenant
    roles: frozenset[str]
    principal_id: str


def authenticate() -> Caller:
    """The application behind the request's bearer token; InvalidToken or MissingRole."""
    if "graph_caller" not in g:
        g.graph_caller = _caller_of(_verified_claims(current_world()))
    caller: Caller = g.graph_caller
    return caller


def require_role(any_of: frozenset[str]) -> Caller:
    caller = authenticate()
    if not caller.roles & any_of:
        raise MissingRole(any_of, caller.roles)
    return caller


def require_organizer(user_id: str, any_of: frozenset[str]) -> Person:
    """The person in whose name the application acts; needs the role and the application access policy."""
    caller = require_role(any_of)
    if not is_guid(user_id):
        raise BadRequest("The user must be named by object id.")
    person = current_world().directory.person_in(caller.tenant, user_id)
    if person is None:
        raise UserNotFound(f"User '{user_id}' does not exist.")
    if not current_world().grants.may_act_for(caller.app_id, caller.tenant.id, person.id):
        raise NoAccessPolicy(caller.app_id)
    return person


def _verified_claims(world: World) -> dict[str, Any]:
    scheme, _, unverified_token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not unverified_token:
        raise InvalidToken("Access token is empty.")
    seen_before = (world.key.kid, unverified_token)
    claims = world.verified_tokens.get(seen_before) or _signed_claims(world, unverified_token)
    world.verified_tokens[seen_before] = claims
    _check_lifetime(claims, world.clock.now().timestamp())
    return claims


def _signed_claims(world: World, unverified_token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            unverified_token,
            world.key.public_key,
            algorithms=["RS256"],
            audience=[*GRAPH_AUDIENCES, world.config.public_url],
            # times are checked against the simulator's clock
            options={
                "require": ["exp", "nbf", "iss", "aud", "tid", "appid"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError as error:
        raise InvalidToken("Access token validation failure. Invalid audience.") from error
    except jwt.InvalidTokenError as error:
        raise InvalidToken("IDX14100: JWT is not well formed or its signature is wrong.") from error
    return claims


def _check_lifetime(claims: dict[str, Any], now: float) -> None:
    if claims["exp"] < now - LEEWAY_SECONDS:
        raise InvalidToken("Lifetime validation failed, the token is expired.")
    if claims["nbf"] > now + LEEWAY_SECONDS:
        raise InvalidToken("Lifetime validation failed, the token is not valid yet.")


def _caller_of(claims: dict[str, Any]) -> Caller:
    tenant = current_world().directory.tenant(claims["tid"])
    if tenant is None or claims["iss"] != sts_issuer(tenant.id):
        raise InvalidToken("Access token validation failure. Invalid issuer.")
    if claims.get("idtyp") != "app":
        raise MissingRole
    return Caller(claims["appid"], tenant, frozenset(claims.get("roles", ())), claims["oid"])
