"""`Idempotency-Key`: a repeated POST gets the first one's answer.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
import re
from collections.abc import Callable

from flask import g, request

from connector.usecases.answer_once import Answered, KeyedRequest
from connector.web.context import web
from connector.web.problem_json import RequestInvalid, WrongValue

HEADER = "Idempotency-Key"
# Visible ASCII, which every HTTP library passes on as it is.
KEY_PATTERN = r"^[!-~]{1,200}$"
_KEY = re.compile(KEY_PATTERN)


def answered_once(run: Callable[[], Answered]) -> Answered:
    """Run it now, or give the answer that is kept; a request without a key just runs."""
    key = request.headers.get(HEADER)
    if key is None:
        return run()
    if not _KEY.fullmatch(key):
        raise RequestInvalid(
            [WrongValue(field=HEADER, problem="1 to 200 visible ASCII characters")]
        )
    keyed = KeyedRequest(g.who.tenant_id, g.who.object_id, key, _hash())
    return web().answer_once(keyed, run)


def _hash() -> str:
    parts = (request.method.encode(), request.full_path.encode("utf-8", "surrogatepass"))
    return hashlib.sha256(b"\0".join((*parts, request.get_data()))).hexdigest()
