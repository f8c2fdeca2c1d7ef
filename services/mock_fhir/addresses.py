"""All paths of an environment in one table."""

from dataclasses import dataclass

FHIR = "/api/FHIR/R4"
AUTHORIZE = "/oauth2/authorize"
SIGN_IN = "/oauth2/sign-in"
PICK_PATIENT = "/oauth2/pick-patient"
TOKEN = "/oauth2/token"  # noqa: S105 - a path
INTROSPECT = "/oauth2/introspect"
REVOKE = "/oauth2/revoke"
REGISTER = "/oauth2/register"
JWKS = "/oauth2/jwks"
STYLE = "/smart-style.json"
SMART_CONFIGURATION = f"{FHIR}/.well-known/smart-configuration"
OPENID_CONFIGURATIONS = (
    "/oauth2/.well-known/openid-configuration",
    f"{FHIR}/.well-known/openid-configuration",
)
SET_EXTERNAL_CONNECTION_STATUS = (
    "/api/epic/2018/Telehealth/ContextLinking/SetExternalConnectionStatus"
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Absolute URLs below `base`, for example `https://localhost:8441/interconnect-tst-oauth`."""

    base: str

    @property
    def fhir(self) -> str:
        """FHIR base URL: the `iss` of a launch and the `aud` of an authorize request."""
        return self.base + FHIR

    @property
    def issuer(self) -> str:
        """`iss` of ID tokens and of RFC 9207. Epic's is not the FHIR base URL: https://fhir.epic.com/Documentation?docId=oauth2"""
        return f"{self.base}/oauth2"

    @property
    def token(self) -> str:
        return self.base + TOKEN
