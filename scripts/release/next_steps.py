"""What a person or a pipeline runs after an edit, in order. docs/deploying.md explains each."""

from typing import Final

REPOSITORY: Final = "teams-ehr-connector"
_WEIGHTS: Final = (10, 50, 100)


def after_promotion(stack: str, digest: str, source: str, *, beside: bool = True) -> list[str]:
    """The resource id of the registry CI pushed to is in `BUILD_REGISTRY_ID`, which names it in any subscription.

    Args:
        stack: where the image shall run.
        digest: of the image.
        source: `REGISTRY/REPOSITORY` CI pushed to, or nothing.
        beside: False for a first image, which takes all at once.
    """
    image = f"{source.partition('/')[2] or REPOSITORY}@{digest}"
    tag = f"{REPOSITORY}:{digest.removeprefix('sha256:')[:12]}"
    registry = (
        f'"$(pulumi stack output --stack {stack} registryServer)" --registry "$BUILD_REGISTRY_ID"'
    )
    return [
        f"az acr import --name {registry} --source {image} --image {tag} --force",
        f"scripts/prepare_stamp.sh {stack}",
        _up(stack),
        f"scripts/smoke_stamp.sh {stack}",
        *(_shift(stack, f"--weight {weight}") for weight in (_WEIGHTS if beside else ())),
        _shift(stack, "--finish"),
        f"scripts/retire_revisions.sh {stack}",
    ]


def after_shift(stack: str) -> list[str]:
    return [_up(stack)]


def after_return(stack: str) -> list[str]:
    """The revision to return to may be deactivated: preparing activates it, or says that it is gone."""
    return [f"scripts/prepare_stamp.sh {stack}", _up(stack)]


def _up(stack: str) -> str:
    return f"pulumi up --stack {stack} --policy-pack infra/policy"


def _shift(stack: str, how: str) -> str:
    return f"scripts/shift_traffic.py {stack} {how} && {_up(stack)}"
