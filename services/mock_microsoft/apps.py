"""Application registrations: who may ask Entra for tokens, and how each proves itself."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mock_microsoft.config import AppRegistration
from mock_microsoft.identifiers import base64url, stable_guid


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Thumbprints are base64url without padding, as in the JWS headers `x5t` and `x5t#S256`."""

    public_key: RSAPublicKey
    sha1_thumbprint: str
    sha256_thumbprint: str


def read_certificates(pem: str) -> tuple[ClientCertificate, ...]:
    """Raises ValueError when there is none, or one is no RSA certificate."""
    return tuple(_described(one) for one in x509.load_pem_x509_certificates(pem.encode()))


def _described(certificate: x509.Certificate) -> ClientCertificate:
    public_key = certificate.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise ValueError("the client certificate must hold an RSA key")  # noqa: TRY004 - a wrong value in a file
    return ClientCertificate(
        public_key,
        base64url(certificate.fingerprint(hashes.SHA1())),  # noqa: S303 - the x5t header is defined as SHA-1 (RFC 7515 4.1.7)
        base64url(certificate.fingerprint(hashes.SHA256())),
    )


def service_principal_id(client_id: str, tenant_id: str) -> str:
    """Object id of the application in one tenant."""
    return stable_guid("service-principal", client_id, tenant_id)


class Apps:
    def __init__(self, registrations: tuple[AppRegistration, ...]) -> None:
        self.registrations = registrations
        self._by_id = {app.client_id: app for app in registrations}
        self.restore()

    def restore(self) -> None:
        """Only the certificates of the configuration file."""
        self._certificates = {
            app.client_id: read_certificates(app.certificate_pem)
            for app in self.registrations
            if app.certificate_pem
        }

    def add_certificates(self, app: AppRegistration, pem: str) -> None:
        """Beside those it has, as before a key rotation. Raises ValueError."""
        self._certificates[app.client_id] = self.certificates(app) + read_certificates(pem)

    def find(self, client_id: str) -> AppRegistration | None:
        return self._by_id.get(client_id.lower())

    def api(self, resource: str) -> AppRegistration | None:
        """The application behind an API, named by identifier URI or by client id as Entra allows."""
        wanted = resource.lower()
        return next(
            (
                app
                for app in self.registrations
                if app.exposed_api
                and wanted in (app.client_id, app.exposed_api.identifier_uri.lower())
            ),
            None,
        )

    def certificates(self, app: AppRegistration) -> tuple[ClientCertificate, ...]:
        return self._certificates.get(app.client_id, ())
