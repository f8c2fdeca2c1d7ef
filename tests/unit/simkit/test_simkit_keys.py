import jwt
import pytest

from simkit.keys import IssuerKey


@pytest.fixture(scope="module")
def key() -> IssuerKey:
    return IssuerKey()


def test_the_published_key_verifies_what_was_signed(key: IssuerKey) -> None:
    signed = key.sign({"sub": "EMP-1001"})
    claims = jwt.decode(signed, jwt.PyJWK(key.public_jwk()), algorithms=["RS256"])
    assert claims == {"sub": "EMP-1001"}
    assert jwt.get_unverified_header(signed) == {"alg": "RS256", "typ": "JWT", "kid": key.kid}


def test_the_published_key_has_no_private_member(key: IssuerKey) -> None:
    assert set(key.public_jwks()["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}


def test_header_members_can_be_overridden(key: IssuerKey) -> None:
    assert jwt.get_unverified_header(key.sign({}, {"kid": "other"}))["kid"] == "other"


def test_after_rotation_the_old_signature_no_longer_verifies() -> None:
    key = IssuerKey()
    signed, old_kid = key.sign({"sub": "x"}), key.kid
    key.rotate()
    assert key.kid != old_kid
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(signed, jwt.PyJWK(key.public_jwk()), algorithms=["RS256"])
