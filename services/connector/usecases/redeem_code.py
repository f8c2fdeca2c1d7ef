"""The EHR sends the browser back: what must hold before its code goes anywhere, then the exchange.

Shared by launches and by the approver's EHR sign-in. Cases 2, 7, 9-13, 16-17 and 22 of
reliability.md 4.10; RFC 9207 for the issuer of the callback.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.launch import EhrUser, LaunchTransaction
from connector.ports.errors import (
    BadAnswer,
    Denied,
    NotConnected,
    OutsideError,
    TryLater,
    Untrusted,
)
from connector.ports.smart import SmartServer, TokenAnswer
from connector.ports.system import Clock

_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


def check_callback(
    transaction: LaunchTransaction | None,
    query: Mapping[str, str],
    revision: Revision,
    clock: Clock,
) -> str:
    """The authorization code, once the callback proves to answer this browser's request.

    Raises:
        Refused: state, age, issuer or the EHR's own `error`.
    """
    if transaction is None or not same(query.get("state", ""), transaction.state):
        raise Refused(Reason.STATE_FOREIGN)
    if transaction.expired(clock.now()):
        raise Refused(Reason.LAUNCH_EXPIRED)
    _check_issuer(query.get("iss"), revision)
    if "error" in query:
        code = query["error"]
        raise Refused(
            Reason.EHR_DENIED,
            facts={"error": code if _ERROR_CODE.fullmatch(code) else "unreadable"},
        )
    if not query.get("code"):
        raise Refused(Reason.EHR_ANSWER_INVALID, facts={"missing": "code"})
    return query["code"]


def _check_issuer(named: str | None, revision: Revision) -> None:
    expected = revision.endpoints.issuer
    if named is None and not revision.endpoints.callback_names_issuer:
        return
    if named is None or not same(named, expected):
        raise Refused(Reason.ISSUER_MIXED_UP)


def same(received: str, expected: str) -> bool:
    """Constant-time comparison of two secrets or identifiers."""
    return hmac.compare_digest(received.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class RedeemCode:
    smart: SmartServer

    def __call__(
        self,
        revision: Revision,
        client_id: str,
        redirect_uri: str,
        code: str,
        tx: LaunchTransaction,
    ) -> tuple[TokenAnswer, EhrUser]:
        """Exchange the code and verify who the EHR says this is.

        Raises:
            Refused: what the EHR or the network did, in the words of an error page.
        """
        try:
            answer = self._exchange(revision, client_id, redirect_uri, code, tx)
            user = self.smart.verify_id_token(
                revision.endpoints,
                client_id=client_id,
                fhir_base_url=revision.fhir_base_url,
                nonce=tx.nonce,
                unverified_id_token=answer.unverified_id_token,
            )
        except OutsideError as err:
            raise ehr_refusal(err) from err
        return answer, user

    def _exchange(
        self,
        revision: Revision,
        client_id: str,
        redirect_uri: str,
        code: str,
        tx: LaunchTransaction,
    ) -> TokenAnswer:
        """Once more if no connection came about, since nothing was sent.

        Whatever the EHR answered stands: a code lives once, and an EHR that asks to be left alone
        for a while (429, 503) means the person's next try, not ours.
        """

        def send() -> TokenAnswer:
            return self.smart.redeem_code(
                revision.endpoints,
                client_id=client_id,
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=tx.code_verifier,
            )

        try:
            return send()
        except NotConnected:
            return send()


_REASONS = {
    "invalid_client": Reason.EHR_REFUSED_CLIENT,
    "unauthorized_client": Reason.EHR_REFUSED_CLIENT,
    "insufficient_scope": Reason.PERMISSION_MISSING,
}


def ehr_refusal(err: OutsideError) -> Refused:
    """The refusal a person sees for a failed call to the EHR."""
    facts = {"code": err.code, "host": err.host}
    if isinstance(err, TryLater):
        return Refused(
            Reason.EHR_UNREACHABLE, facts=facts, retry_after_seconds=err.retry_after_seconds
        )
    if isinstance(err, Untrusted):
        return Refused(Reason.ID_TOKEN_INVALID, facts=facts)
    if isinstance(err, Denied):
        return Refused(_REASONS.get(err.code, Reason.EHR_DENIED), facts=facts)
    if isinstance(err, BadAnswer):
        return Refused(Reason.EHR_ANSWER_INVALID, facts=facts)
    return Refused(Reason.EHR_UNREACHABLE, facts=facts)
