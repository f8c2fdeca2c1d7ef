"""`/sim/forged-id-tokens` and `/sim/forged-access-tokens`: tokens that must be refused, for the next ones issued.

| request | does |
|---|---|
| `POST forged-id-tokens` `{"mode": "bad-signature", "times": 1}` | of the next sign-ins; `DELETE` takes the rest back |
| `POST forged-access-tokens` `{"mode": "v1", "times": 1}` | of the next tokens for an API registered here (Graph's stay honest); `DELETE` the same |

The modes: `entra.forgery.Forgery` and `AccessForgery`; a wrong one is answered with all of them.
"""

from flask import Response, jsonify

from mock_microsoft.control.plane import choice_of, control_blueprint, posted_object, times_of
from mock_microsoft.entra.forgery import AccessForgery, Forgery
from mock_microsoft.world import current_world

blueprint = control_blueprint("sim_forgeries", __name__)


@blueprint.get("/forged-id-tokens")
def list_id_tokens() -> Response:
    return jsonify({"forged_id_tokens": current_world().forgeries.listed()})


@blueprint.post("/forged-id-tokens")
def order_id_tokens() -> Response:
    document = posted_object()
    current_world().forgeries.order(choice_of(document, "mode", Forgery), _times(document))
    return list_id_tokens()


@blueprint.delete("/forged-id-tokens")
def clear_id_tokens() -> Response:
    current_world().forgeries.clear()
    return list_id_tokens()


@blueprint.get("/forged-access-tokens")
def list_access_tokens() -> Response:
    return jsonify({"forged_access_tokens": current_world().access_forgeries.listed()})


@blueprint.post("/forged-access-tokens")
def order_access_tokens() -> Response:
    document = posted_object()
    mode = choice_of(document, "mode", AccessForgery)
    current_world().access_forgeries.order(mode, _times(document))
    return list_access_tokens()


@blueprint.delete("/forged-access-tokens")
def clear_access_tokens() -> Response:
    current_world().access_forgeries.clear()
    return list_access_tokens()


def _times(document: dict[str, object]) -> int:
    times = times_of(document)
    if times is None:
        raise ValueError('"times" must be a number here: forging never goes on unnoticed')
    return times
