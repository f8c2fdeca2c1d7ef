"""A stranger's SMART app, which knows nothing but the FHIR base URL, gets a patient's record over real TLS (S34-S36, S92)."""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
import trustme
from bs4 import BeautifulSoup

from mock_fhir.application import create_mock_fhir
from simkit.server import Embedded

REDIRECT_URI = "https://stranger.example/back"
NEEDED = {"client-public", "launch-standalone", "context-standalone-patient", "permission-patient"}


class StrangersApp:
    """Public standalone app: discovery, registration, authorization with PKCE, token, FHIR read."""

    def __init__(self, fhir_base_url: str, ca_file: str) -> None:
        self.base = fhir_base_url
        self.http = requests.Session()
        self.http.trust_env = (
            False  # a machine's REQUESTS_CA_BUNDLE would win over the sandbox's authority
        )
        self.http.verify = ca_file
        self.smart = self._json("GET", f"{fhir_base_url}/.well-known/smart-configuration")
        assert set(self.smart["capabilities"]) >= NEEDED
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(24)

    def _json(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        answer = self.http.request(method, url, timeout=10, **options)
        answer.raise_for_status()
        return dict(answer.json())

    def register(self) -> None:
        metadata = {
            "client_name": "Stranger",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code"],
        }
        client = self._json("POST", self.smart["registration_endpoint"], json=metadata)
        self.client_id = client["client_id"]

    def open_sign_in(self, **more: str) -> requests.Response:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "launch/patient openid fhirUser patient/*.rs",
            "state": self.state,
            "aud": self.base,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        }
        endpoint = self.smart["authorization_endpoint"]
        return self.http.get(endpoint, params=query, timeout=10)

    def submit(self, page: requests.Response, **typed: str) -> requests.Response:
        """Fill in the page's form as a browser does and stop at a redirect out of the EHR."""
        form = BeautifulSoup(page.text, "html.parser").form
        assert form is not None
        fields = {
            str(one["name"]): str(one.get("value", ""))
            for one in form.select("input[name][type=hidden]")
        }
        url = urljoin(page.url, str(form.get("action") or page.url))
        answer = self.http.post(url, data={**fields, **typed}, allow_redirects=False, timeout=10)
        location = answer.headers.get("Location", "")
        if location.startswith(self.base.split("/api/")[0]):
            assert answer.status_code == 303
            return self.http.get(location, timeout=10)
        return answer

    def back(self, answer: requests.Response) -> dict[str, str]:
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].startswith(REDIRECT_URI)
        query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        assert query["state"] == self.state
        assert query["iss"] == self.smart["issuer"]
        return query

    def token(self, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        }
        return self._json("POST", self.smart["token_endpoint"], data=form)

    def read(self, reference: str, token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        return self._json("GET", f"{self.base}/{reference}", headers=headers)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert"))
    leaf.private_key_pem.write_to_path(str(folder / "key"))
    return {name: str(folder / name) for name in ("ca", "cert", "key")}


@pytest.fixture(scope="module")
def fhir_base_url(tls: dict[str, str]) -> Iterator[str]:
    def app_for(base_url: str) -> Any:
        return create_mock_fhir({"public_url": base_url, "mychart_key": "x"})

    with Embedded(app_for, cert_file=tls["cert"], key_file=tls["key"]) as server:
        yield f"{server.url}/interconnect-tst-oauth/api/FHIR/R4"


@pytest.fixture
def stranger(fhir_base_url: str, tls: dict[str, str]) -> Iterator[StrangersApp]:
    app = StrangersApp(fhir_base_url, tls["ca"])
    app.register()
    yield app
    app.http.close()


def test_s34_s35_s92_a_clinician_signs_in_picks_a_patient_and_the_app_reads_it(
    stranger: StrangersApp,
) -> None:
    picker = stranger.submit(stranger.open_sign_in(), username="acareful", password="sandbox")
    assert "Pieter van de Heuvel" in picker.text
    answer = stranger.back(stranger.submit(picker, patient="f001"))
    token = stranger.token(answer["code"])
    patient = stranger.read(f"Patient/{token['patient']}", token["access_token"])
    assert (patient["id"], patient["birthDate"]) == ("f001", "1944-11-17")


def test_a_patient_with_one_record_is_not_asked_to_choose(stranger: StrangersApp) -> None:
    answer = stranger.submit(stranger.open_sign_in(), username="PCHALMERS", password="sandbox")
    assert stranger.token(stranger.back(answer)["code"])["patient"] == "example"


def test_a_parent_chooses_between_herself_and_the_child_only(stranger: StrangersApp) -> None:
    picker = stranger.submit(stranger.open_sign_in(), username="LSOLO", password="sandbox")
    assert "Jaina Solo" in picker.text
    assert "Peter" not in picker.text
    answer = stranger.back(stranger.submit(picker, patient="infant-twin-1"))
    assert stranger.token(answer["code"])["patient"] == "infant-twin-1"


def test_no_picker_when_no_patient_is_asked_for(stranger: StrangersApp) -> None:
    page = stranger.open_sign_in(scope="openid fhirUser")
    answer = stranger.back(stranger.submit(page, username="CESPINOSA", password="sandbox"))
    token = stranger.token(answer["code"])
    assert "id_token" in token
    assert "patient" not in token


def test_a_wrong_password_is_told_and_can_be_corrected(stranger: StrangersApp) -> None:
    page = stranger.submit(stranger.open_sign_in(), username="PCHALMERS", password="guess")
    assert page.status_code == 401
    assert "is wrong" in page.text
    answer = stranger.submit(page, username="PCHALMERS", password="sandbox")
    assert "code" in stranger.back(answer)


@pytest.mark.parametrize(
    "typed",
    [
        {"username": "RBERK", "password": "sandbox", "action": "sign-in"},
        {"username": "", "password": "", "action": "cancel"},
    ],
    ids=["user without rights", "cancelled"],
)
def test_access_is_denied_to_the_app_when_the_person_may_not_or_will_not(
    stranger: StrangersApp, typed: dict[str, str]
) -> None:
    answer = stranger.back(stranger.submit(stranger.open_sign_in(), **typed))
    assert answer["error"] == "access_denied"
    assert "code" not in answer


def test_a_patient_that_was_not_offered_cannot_be_chosen(stranger: StrangersApp) -> None:
    picker = stranger.submit(stranger.open_sign_in(), username="LSOLO", password="sandbox")
    assert stranger.back(stranger.submit(picker, patient="example"))["error"] == "access_denied"


def test_the_picker_is_closed_to_who_did_not_sign_in(stranger: StrangersApp) -> None:
    page = stranger.open_sign_in()
    skipped = page.url.replace("/sign-in?", "/pick-patient?")
    answer = stranger.http.get(skipped, timeout=10)
    assert (answer.status_code, "You are not signed in" in answer.text) == (400, True)


def test_a_finished_sign_in_cannot_be_used_again(stranger: StrangersApp) -> None:
    page = stranger.open_sign_in()
    stranger.back(stranger.submit(page, username="PCHALMERS", password="sandbox"))
    again = stranger.submit(page, username="PCHALMERS", password="sandbox")
    assert (again.status_code, "This sign-in is over" in again.text) == (400, True)
