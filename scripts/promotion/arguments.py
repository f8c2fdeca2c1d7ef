"""What the command is asked, from its arguments; anything missing ends with status 2 and its name."""

import argparse
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

MICROSOFT_LOGIN: Final = "https://login.microsoftonline.com"
_CLIENTS: Final = ("provider", "patient", "backend")
_EPILOG: Final = """\
exit status:
  0  done: ready (--plan), waiting for its approver or live (--apply), restored (--rollback)
  1  blocked or refused; what is missing is said, and production is as it was
  2  the arguments are wrong
  3  stale: something changed between plan and apply; run the command again
  4  --wait: the approver has not approved in time
  5  the connector or Microsoft could not be reached; run the command again

A run that was killed is simply run again: the same plan is never applied twice.
docs/promotion.md has the whole story."""


class Action(StrEnum):
    PLAN = "plan"
    APPLY = "apply"
    ROLLBACK = "rollback"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Access:
    """Where the connector is and who asks it."""

    connector: str
    tenant: str
    client_id: str
    api: str
    authority: str
    certificate: Path | None
    client_secret_env: str
    ca_file: Path | None

    @property
    def verify(self) -> str | None:
        """For each request: a session's own setting would yield to REQUESTS_CA_BUNDLE."""
        return str(self.ca_file) if self.ca_file else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which test environment, and what only people know of production."""

    environment_id: str
    organization: str
    fhir_base_url: str
    approver: str
    clients: dict[str, str]
    roll_back: str
    from_revision: int


@dataclass(frozen=True, slots=True)
class Asked:
    action: Action
    access: Access
    wanted: Wanted
    wait_seconds: float
    as_json: bool


def parse(arguments: list[str] | None = None) -> Asked:
    """Raises: SystemExit: 2, after saying what is wrong; 0 after --help."""
    parser = _parser()
    given = parser.parse_args(arguments)
    action = next(a for a in Action if getattr(given, a.value))
    _require_what_the_action_needs(parser, action, given)
    return Asked(
        action=action,
        access=Access(
            connector=given.connector.rstrip("/"),
            tenant=given.tenant,
            client_id=given.client_id,
            api=given.api.rstrip("/"),
            authority=given.authority.rstrip("/"),
            certificate=given.certificate,
            client_secret_env=given.client_secret_env,
            ca_file=given.ca_file,
        ),
        wanted=Wanted(
            environment_id=given.environment,
            organization=given.organization,
            fhir_base_url=given.fhir_base_url,
            approver=given.approver,
            clients={name: getattr(given, f"{name}_client_id") for name in _CLIENTS},
            roll_back=given.rollback or "",
            from_revision=given.from_revision,
        ),
        wait_seconds=given.wait,
        as_json=given.json,
    )


def _require_what_the_action_needs(
    parser: argparse.ArgumentParser, action: Action, given: argparse.Namespace
) -> None:
    needed = {
        Action.PLAN: ["fhir-base-url", "approver", *(f"{name}-client-id" for name in _CLIENTS)],
        Action.ROLLBACK: [],
        Action.STATUS: [],
    }
    needed[Action.APPLY] = needed[Action.PLAN]
    missing = [f"--{name}" for name in needed[action] if not getattr(given, name.replace("-", "_"))]
    if missing:
        parser.error(f"--{action} needs {', '.join(missing)}")
    for name in ("connector", "authority"):
        if not getattr(given, name).startswith("https://"):
            parser.error(f"--{name} begins with https://: tokens are sent to it")
    if given.wait and action is not Action.APPLY:
        parser.error("--wait goes with --apply")
    if given.from_revision and action is not Action.ROLLBACK:
        parser.error("--from-revision goes with --rollback")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="promote.py",
        description="Carry a configuration from the test to the production EHR environment.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_actions(parser)
    _add_access(parser)
    _add_wanted(parser)
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")
    return parser


def _add_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_mutually_exclusive_group(required=True)
    actions.add_argument("--plan", action="store_true", help="what would change; is it ready?")
    actions.add_argument("--apply", action="store_true", help="plan, show, hand to the approver")
    actions.add_argument(
        "--rollback",
        nargs="?",
        const="production",
        choices=["production", "test"],
        help="back to the previous approved revision, at once (default: of production)",
    )
    actions.add_argument("--status", action="store_true", help="where test and production stand")
    parser.add_argument(
        "--from-revision",
        type=int,
        default=0,
        metavar="NUMBER",
        help="with --rollback: only from this one, so that a killed run can be run again",
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="after --apply: until it is approved and live",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connector and sign-in (a device code unless said otherwise)")
    group.add_argument("--connector", required=True, metavar="URL", help="https://visits.example")
    group.add_argument("--tenant", required=True, metavar="ID", help="your Entra tenant id")
    group.add_argument("--client-id", required=True, metavar="ID", help="this command's app in it")
    group.add_argument(
        "--api", required=True, metavar="URI", help="api://… of the connector's app registration"
    )
    credential = group.add_mutually_exclusive_group()
    credential.add_argument(
        "--certificate", type=Path, metavar="FILE", help="PEM with private key and certificate"
    )
    credential.add_argument(
        "--client-secret-env", default="", metavar="NAME", help="variable that holds the secret"
    )
    group.add_argument(
        "--authority", default=MICROSOFT_LOGIN, metavar="URL", help=f"default {MICROSOFT_LOGIN}"
    )
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="a private authority, as PEM")


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--environment", default="", metavar="ID", help="the test environment's id")
    which.add_argument("--organization", default="", metavar="NAME", help="or its organization")
    group = parser.add_argument_group("production")
    group.add_argument("--fhir-base-url", default="", metavar="URL")
    group.add_argument("--approver", default="", metavar="SIGN_IN_NAME")
    for name in _CLIENTS:
        group.add_argument(f"--{name}-client-id", default="", metavar="ID")


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("more than 0 seconds")
    return value
