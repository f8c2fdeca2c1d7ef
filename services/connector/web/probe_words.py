"""Why a FHIR base URL could not be used, in the words of the person who typed it (E1, E2).

Codes are those of the egress guard, the HTTP client and the SMART discovery; an unknown one falls
back to the words of its `Reason`.
"""

from connector.domain.errors import Reason, Refused
from connector.web.refusals import PROBLEMS

_ASK = "Ask your EHR technical contact for the FHIR base URL."
_ENABLE = "Ask your EHR technical contact to enable it for this environment."
_LATER = "Check the spelling. If it is right, try again in a few minutes."
_CERTIFICATE = "Ask your EHR technical contact to renew or repair the server's certificate."
_WITHOUT = "Enter the plain address, such as https://ehr.example.org/api/FHIR/R4."

EXPLAINED: dict[str, tuple[str, str]] = {
    "not_https": ("The address does not begin with https://.", _WITHOUT),
    "too_long": ("The address is longer than 500 characters.", _WITHOUT),
    "malformed": ("This is not a web address.", _WITHOUT),
    "url_malformed": ("This is not a web address.", _WITHOUT),
    "url_characters": ("The address contains characters that an address cannot have.", _WITHOUT),
    "user_information": ("The address contains a user name or password.", _WITHOUT),
    "userinfo": ("The address contains a user name or password.", _WITHOUT),
    "query": ("The address has a part after ? or #.", _WITHOUT),
    "host": ("The host name is not spelled as one.", _WITHOUT),
    "host_name": ("The host name is not spelled as one.", _WITHOUT),
    "path": ("The part after the host name has characters that are not allowed.", _WITHOUT),
    "port": ("The port is not allowed.", "Use the standard port, or one from 1024 up."),
    "address_not_public": (
        "The host leads to a private or internal network address.",
        "Use the public address of the FHIR server. The connector does not call internal ones.",
    ),
    "name_unknown": ("No server has this host name.", _LATER),
    "name_timeout": ("The host name could not be looked up in time.", _LATER),
    "connect_timeout": ("The server did not accept a connection in time.", _LATER),
    "no_connection": ("The server did not accept a connection.", _LATER),
    "connection_lost": ("The server broke off the connection.", _LATER),
    "timeout": ("The server did not answer in time.", _LATER),
    "slow_host": ("The server takes long to answer others already.", _LATER),
    "tls_failed": ("No secure connection could be made.", _CERTIFICATE),
    "certificate_expired": ("The server's certificate has expired.", _CERTIFICATE),
    "certificate_not_yet_valid": ("The server's certificate is not valid yet.", _CERTIFICATE),
    "certificate_self_signed": ("The server's certificate is self-signed.", _CERTIFICATE),
    "certificate_authority_unknown": (
        "The server's certificate comes from an authority nobody vouches for.",
        _CERTIFICATE,
    ),
    "certificate_of_other_host": ("The server's certificate names another host.", _CERTIFICATE),
    "certificate_invalid": ("The server's certificate is not valid.", _CERTIFICATE),
    "http_404": (
        "There is no SMART configuration at this address.",
        "Check the end of the address: for Epic it is /api/FHIR/R4, for old app versions /api/FHIR/DSTU2.",
    ),
    "http_401": ("The server asks for a sign-in before it tells its SMART configuration.", _ASK),
    "http_403": ("The server does not let the connector read its SMART configuration.", _ASK),
    "content_type": ("A web page answered, not a FHIR server.", _ASK),
    "not_json": ("A web page answered, not a FHIR server.", _ASK),
    "too_large": ("The answer is too large to be a SMART configuration.", _ASK),
    "authorization_code_missing": ("The EHR does not offer the authorization code flow.", _ENABLE),
    "pkce_missing": ("The EHR does not offer PKCE with S256.", _ENABLE),
    "pkce_plain_offered": (
        "The EHR still accepts PKCE without a hash (plain), which SMART forbids.",
        "Ask your EHR technical contact to turn “plain” off.",
    ),
    "launch_ehr_missing": ("The EHR does not offer launches from the EHR (launch-ehr).", _ENABLE),
    "private_key_jwt_missing": ("The EHR does not accept signed keys (private_key_jwt).", _ENABLE),
    "assertion_algorithm_missing": ("The EHR accepts neither RS384 nor ES384 signatures.", _ENABLE),
    "same_ehr": (
        "The EHR at this address signs people in where another address does that is live here.",
        "If it is the same EHR, enter the address as its owner did and ask them to share it (Shares).",
    ),
    "host_reads_alike": (
        "The host reads like another one that is live here, and belongs to another domain.",
        "Compare it letter by letter with what your EHR technical contact sent. If it is right, an operator vouches for it.",
    ),
    "endpoint_elsewhere": (
        "The EHR names sign-in addresses on another host than its own.",
        "Ask your EHR technical contact whether this is the right base URL.",
    ),
}


def explanation(refused: Refused) -> tuple[str, str]:
    """(cause, remedy) of a refused base URL."""
    problem = PROBLEMS[refused.reason]
    code = refused.facts.get("why") or refused.facts.get("code", "")
    remedy = _LATER if refused.reason is Reason.EHR_UNREACHABLE else _ASK
    own_words = (problem.cause, problem.remedy)
    otherwise = own_words if refused.reason is Reason.URL_TAKEN else (problem.cause, remedy)
    return EXPLAINED.get(code, otherwise)
