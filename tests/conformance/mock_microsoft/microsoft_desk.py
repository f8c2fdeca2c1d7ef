"""A tester's desk: the simulator in this process, a browser, an application with its certificate."""

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
from bs4 import BeautifulSoup
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mock_microsoft.app import create_app
from mock_microsoft.config import ApiPermission, AppRegistration, Configuration, ExposedApi
from mock_microsoft.world import EXTENSION, World
from simkit.keys import IssuerKey

URL = "https://microsoft.test"
CONTOSO = "c0a70500-0000-4000-8000-00000000c0de"
FABRIKAM = "fab71ca0-0000-4000-8000-00000000c0de"
ADMIN = "c0a70500-0000-4000-8000-000000000001"
ANALYST = "c0a70500-0000-4000-8000-000000000003"
ADAM = "c0a70500-0000-4000-8000-000000000004"
ERIC = "c0a70500-0000-4000-8000-000000000005"
GUEST = "c0a70500-0000-4000-8000-000000000009"
DISABLED = "c0a70500-0000-4000-8000-000000000010"
FABRIKAM_ADMIN = "fab71ca0-0000-4000-8000-000000000001"
JONAS = "fab71ca0-0000-4000-8000-000000000002"
NORTHWIND = "0047a1d0-0000-4000-8000-00000000c0de"
NORTHWIND_ADMIN = "0047a1d0-0000-4000-8000-000000000001"
TAILSPIN = "7a115b10-0000-4000-8000-00000000c0de"
TAILSPIN_ADMIN = "7a115b10-0000-4000-8000-000000000001"

CONNECTOR = "3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a11"
OTHER_APP = "3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a22"
COMMAND_LINE = "3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a33"
PIPELINE = "3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a44"
API = f"api://{CONNECTOR}"
API_SCOPE = f"{API}/Configuration.ReadWrite"
SECRET = "correct horse"
REDIRECT_URI = "https://connector.test/signin/microsoft/callback"
VERIFIER = "a-verifier-of-more-than-forty-three-characters-0123456789"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
ALL_ROLES = (
    "OnlineMeetings.Read.All",
    "OnlineMeetings.ReadWrite.All",
    "OnlineMeetingArtifact.Read.All",
    "VirtualAppointment.Read.All",
    "User.Read.All",
)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class KeyPair:
    """A private key with its self-signed certificate."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        return self.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def der_base64(self) -> str:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return base64.b64encode(der).decode()


def make_key_pair(bits: int = 2048) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connector")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)


CLIENT_KEYS = make_key_pair()
ENCRYPTION_KEYS = make_key_pair()
SIGNING_KEY = IssuerKey()  # making one takes longer than most tests


def configuration(url: str = URL, ca_file: str | None = None) -> Configuration:
    connector = AppRegistration(
        client_id=CONNECTOR,
        name="Teams EHR connector",
        redirect_uris=(REDIRECT_URI,),
        certificate_pem=CLIENT_KEYS.pem,
        client_secret=SECRET,
        app_roles_granted=ALL_ROLES,
        exposed_api=ExposedApi(
            identifier_uri=API,
            scopes=("Configuration.ReadWrite",),
            app_roles=("Connector.Admin", "Connector.Reader"),
        ),
        api_permissions=(ApiPermission(api=CONNECTOR, scopes=("Configuration.ReadWrite",)),),
    )
    other = AppRegistration(
        client_id=OTHER_APP,
        name="Other application",
        redirect_uris=(REDIRECT_URI,),
        client_secret=SECRET,
        app_roles_granted=("User.Read.All",),
    )
    command_line = AppRegistration(
        client_id=COMMAND_LINE,
        name="Connector command line",
        is_public_client=True,
        api_permissions=(ApiPermission(api=CONNECTOR, scopes=("Configuration.ReadWrite",)),),
    )
    pipeline = AppRegistration(
        client_id=PIPELINE,
        name="Connector pipeline",
        certificate_pem=CLIENT_KEYS.pem,
        client_secret=SECRET,
        api_permissions=(ApiPermission(api=CONNECTOR, app_roles=("Connector.Admin",)),),
    )
    apps = (connector, other, command_line, pipeline)
    return Configuration(public_url=url, ca_file=ca_file, apps=apps)


def authorize_parameters(**changes: str | None) -> dict[str, str]:
    """A correct authorization request; None takes a parameter away."""
    parameters = {
        "client_id": CONNECTOR,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def assertion(
    keys: KeyPair = CLIENT_KEYS,
    headers: dict[str, Any] | None = None,
    algorithm: str = "PS256",
    **changes: Any,
) -> str:
    """A client assertion as msal makes it: padded x5t#S256, float exp."""
    fingerprint = keys.certificate.fingerprint(hashes.SHA256())
    thumbprint = base64.urlsafe_b64encode(fingerprint).decode()
    claims = {
        "aud": f"{URL}/{CONTOSO}/oauth2/v2.0/token",
        "iss": CONNECTOR,
        "sub": CONNECTOR,
        "exp": time.time() + 600.5,
        "jti": "assertion-1",
        **changes,
    }
    return jwt.encode(
        claims,
        keys.private_key,
        algorithm=algorithm,
        headers={"x5t#S256": thumbprint} if headers is None else headers,
    )


class Desk:
    """Everything a test does with the simulator goes through here, over HTTP."""

    def __init__(self, config: Configuration | None = None) -> None:
        self.app = create_app(config or configuration(), SIGNING_KEY)
        self.world: World = self.app.extensions[EXTENSION]
        self.browser = self.new_browser()

    def new_browser(self) -> FlaskClient:
        """With cookies of its own."""
        browser = self.app.test_client()
        browser.environ_base["wsgi.url_scheme"] = "https"
        browser.environ_base["HTTP_HOST"] = urlsplit(URL).netloc
        return browser

    def sim(self, method: str, path: str, document: dict[str, Any] | None = None) -> TestResponse:
        return self.new_browser().open(f"/sim/{path}", method=method, json=document)

    def token(self, tenant: str = CONTOSO, **form: str) -> TestResponse:
        wanted = {
            "grant_type": "client_credentials",
            "client_id": CONNECTOR,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
            **form,
        }
        return self.new_browser().post(
            f"/{tenant}/oauth2/v2.0/token", data={k: v for k, v in wanted.items() if v}
        )

    def app_token(self, tenant: str = CONTOSO, client_id: str = CONNECTOR) -> str:
        return str(self.token(tenant, client_id=client_id).get_json()["access_token"])

    def graph(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        token: str | None = None,
        version: str = "v1.0",
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        authorization = {"Authorization": f"Bearer {token or self.app_token()}"}
        return self.new_browser().open(
            f"/{version}/{path}",
            method=method,
            json=document,
            headers={**authorization, **(headers or {})},
        )

    def meeting(self, external_id: str = "visit-1", organizer: str = ADAM) -> dict[str, Any]:
        path = f"users/{organizer}/onlineMeetings/createOrGet"
        answer = self.graph("POST", path, {"externalId": external_id})
        document: dict[str, Any] = answer.get_json()
        return document

    def lobby(self, meeting: dict[str, Any], scope: str) -> None:
        path = f"users/{ADAM}/onlineMeetings/{meeting['id']}"
        answer = self.graph("PATCH", path, {"lobbyBypassSettings": {"scope": scope}})
        assert answer.status_code == 200, answer.text

    def join(self, meeting: dict[str, Any], **who: str) -> dict[str, Any]:
        """`user_id=` or `display_name=`."""
        kind = "user" if "user_id" in who else "guest"
        answer = self.sim("POST", f"meetings/{quoted(meeting)}/participants", {"as": kind, **who})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.get_json()
        return document

    def act(
        self, meeting: dict[str, Any], participant: dict[str, Any], action: str, **body: str
    ) -> TestResponse:
        return self.sim(
            "POST", f"meetings/{quoted(meeting)}/participants/{participant['id']}/{action}", body
        )

    def authorize(
        self, browser: FlaskClient | None = None, tenant: str = CONTOSO, **changes: str | None
    ) -> TestResponse:
        return (browser or self.browser).get(
            f"/{tenant}/oauth2/v2.0/authorize", query_string=authorize_parameters(**changes)
        )

    def choose(
        self,
        form: dict[str, str],
        browser: FlaskClient | None = None,
        tenant: str = CONTOSO,
        **changes: str | None,
    ) -> TestResponse:
        return (browser or self.browser).post(
            f"/{tenant}/oauth2/v2.0/authorize",
            query_string=authorize_parameters(**changes),
            data=form,
        )

    def code(self, account: str = ADAM, **changes: str | None) -> str:
        return answer_of(
            self.choose({"account": account}, self.new_browser(), "organizations", **changes)
        )["code"]

    def redeem(self, code: str, **form: str) -> TestResponse:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "scope": "",
            **form,
        }
        return self.token(
            form.pop("tenant", CONTOSO), **{k: v for k, v in given.items() if k != "tenant"}
        )

    def device_code(self, segment: str = "organizations", **changes: str) -> TestResponse:
        form = {"client_id": COMMAND_LINE, "scope": f"{API_SCOPE} openid profile", **changes}
        return self.new_browser().post(
            f"/{segment}/oauth2/v2.0/devicecode", data={k: v for k, v in form.items() if v}
        )

    def poll(
        self, asked: dict[str, Any], segment: str = "organizations", **form: str
    ) -> TestResponse:
        """The application asks for the tokens of a device code."""
        given = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": asked["device_code"],
            "client_id": COMMAND_LINE,
            "client_secret": "",
            "scope": "",
            **form,
        }
        return self.token(segment, **given)

    def enter(
        self, user_code: str, account: str = ADMIN, decision: dict[str, str] | None = None
    ) -> TestResponse:
        """The person enters the code, picks the account, goes on (or does what `decision` says)."""
        browser = self.new_browser()
        entered = browser.post("/devicelogin", data={"user_code": user_code})
        if entered.status_code != 303:
            return entered
        signed_in = browser.post(entered.location, data={"account": account})
        if signed_in.status_code != 303:
            return signed_in
        return browser.post(entered.location, data=decision or {"decision": "continue"})

    def claims(self, token: str, **options: Any) -> dict[str, Any]:
        """Verified as a relying party should; raises jwt.InvalidTokenError."""
        keys = self.new_browser().get("/common/discovery/v2.0/keys").get_json()["keys"]
        key = {one["kid"]: one for one in keys}[jwt.get_unverified_header(token)["kid"]]
        claims: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], **options)
        return claims

    def sign_in_to_teams(self, account: str) -> FlaskClient:
        browser = self.new_browser()
        browser.post("/signin", query_string={"return_to": "/"}, data={"account": account})
        return browser


def quoted(meeting: dict[str, Any]) -> str:
    return quote(meeting["id"], safe="")


def local(url: str) -> str:
    """Path and query of a URL of the simulator."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def answer_of(response: TestResponse) -> dict[str, str]:
    """Parameters that a redirect carries back to the client."""
    assert response.location, response.text
    assert response.location.startswith(REDIRECT_URI), response.location
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def page(response: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(response.text, "html.parser")


def subscription_document(meeting: dict[str, Any], now: datetime, **changes: Any) -> dict[str, Any]:
    document = {
        "changeType": "updated",
        "notificationUrl": "https://connector.test/graph/notifications",
        "lifecycleNotificationUrl": "https://connector.test/graph/lifecycle",
        "resource": f"communications/onlineMeetings(joinWebUrl='{quote(meeting['joinWebUrl'], safe='')}')/meetingCallEvents",
        "includeResourceData": True,
        "encryptionCertificate": ENCRYPTION_KEYS.der_base64,
        "encryptionCertificateId": "key-1",
        "expirationDateTime": (now + timedelta(hours=4)).isoformat(),
        "clientState": "state-of-the-client",
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}
