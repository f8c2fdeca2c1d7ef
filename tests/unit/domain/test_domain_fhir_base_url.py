"""One spelling of a FHIR base URL: reliability.md cases 5 and 37."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import Reason, Refused
from connector.domain.fhir_base_url import as_launched, normalised

BASE = "https://ehr.example/interconnect-tst-oauth/api/FHIR/R4"


def refusal(entered: str) -> str:
    with pytest.raises(Refused) as refused:
        normalised(entered)
    assert refused.value.reason is Reason.URL_REFUSED
    return refused.value.facts["why"]


@pytest.mark.parametrize(
    "entered",
    [
        BASE,
        f"  {BASE}\n",
        f"{BASE}/",
        f"{BASE}//",
        BASE.replace("ehr.example", "EHR.Example"),
        BASE.replace("https", "HTTPS"),
        BASE.replace("ehr.example", "ehr.example:443"),
        BASE.replace("ehr.example", "ehr.example:"),
    ],
)
def test_case_05_spellings_of_one_address_become_one(entered: str) -> None:
    assert normalised(entered) == BASE


@pytest.mark.parametrize(
    "entered",
    [
        "https://ehr.example",
        "https://ehr.example:8443/api/FHIR/R4",
        "https://localhost:8441/interconnect-tst-oauth/api/FHIR/R4",
        "https://a-1.b--2.example/~x/y_z/v1.0",
    ],
)
def test_a_plain_address_is_kept_as_it_is(entered: str) -> None:
    assert normalised(entered) == entered


def test_the_path_keeps_its_case_because_servers_tell_it_apart() -> None:
    assert normalised("https://EHR.example/api/FHIR/R4").endswith("/api/FHIR/R4")


@pytest.mark.parametrize(
    ("entered", "why"),
    [
        ("http://ehr.example/R4", "not_https"),
        ("ftp://ehr.example/R4", "not_https"),
        ("//ehr.example/R4", "not_https"),
        ("ehr.example/R4", "not_https"),
        ("javascript:alert(1)", "not_https"),
        ("", "not_https"),
        ("https://good.example@evil.example/R4", "user_information"),
        ("https://:secret@ehr.example/R4", "user_information"),
        ("https://@ehr.example/R4", "user_information"),
        ("https://ehr.example/R4?", "query"),
        ("https://ehr.example/R4?x=1", "query"),
        ("https://ehr.example/R4#", "query"),
        ("https://ehr.example/R4#top", "query"),
        ("https:///R4", "host"),
        ("https://ehr..example/R4", "host"),
        ("https://ehr.example./R4", "host"),
        ("https://localhost./R4", "host"),
        ("https://-ehr.example/R4", "host"),
        ("https://ehr-.example/R4", "host"),
        ("https://ehr_1.example/R4", "host"),
        ("https://ehr%2eexample/R4", "host"),
        ("https://[::ffff:10.0.0.1]/R4", "host"),
        ("https://[::1]/R4", "host"),
        ("https://evil.example\\.ehr.example/R4", "host"),
        ("https://ehr.example/a/../b", "path"),
        ("https://ehr.example/./R4", "path"),
        ("https://ehr.example/R4/..", "path"),
        ("https://ehr.example/.well-known", "path"),
        ("https://ehr.example/a//b", "path"),
        ("https://ehr.example/%2e%2e/R4", "path"),
        ("https://ehr.example/R4\\..", "path"),
        ("https://ehr.example/R4;v=1", "path"),
        ("https://ehr.example/api FHIR", "path"),
        ("https://[::1/R4", "malformed"),
        ("https://ehr.example:port/R4", "malformed"),
        ("https://ehr.example:65536/R4", "malformed"),
        ("https://ehr.example:-1/R4", "malformed"),
        ("https://ehr.example\u2100/R4", "malformed"),
        ("https://" + "a" * 500 + ".example", "too_long"),
    ],
)
def test_case_37_what_could_be_read_two_ways_is_refused(entered: str, why: str) -> None:
    assert refusal(entered) == why


@pytest.mark.parametrize(
    "entered",
    [
        "https://ehr.exa\tmple/R4",
        "https://ehr.example/R\n4",
        "https://ehr.example/R4\r\n/x",
        "ht\ntps://ehr.example/R4",
        "https://ehr.example/R4\x00",
        "https://ehr.example/R4\x7f",
        "\x01https://ehr.example/R4",
    ],
)
def test_control_characters_are_refused_and_not_repaired(entered: str) -> None:
    """`urlsplit` drops tabs and line breaks: what we store must be what the admin saw."""
    assert refusal(entered) == "malformed"


@pytest.mark.parametrize(
    "host",
    [
        "\u212aaiser.example",  # KELVIN SIGN, which lower() turns into an ASCII k
        "xn\u00e4.example",
        "\u0435hr.example",  # Cyrillic
        "ehr\u3002example",  # ideographic full stop
        "ehr.example\u00ad",  # soft hyphen
        "\uff45hr.example",  # full-width e
    ],
)
def test_case_05_letters_that_look_alike_are_refused(host: str) -> None:
    assert refusal(f"https://{host}/R4") == "malformed"


def test_the_longest_address_that_is_taken_has_500_characters() -> None:
    start = "https://ehr.example/"
    longest = start + "a" * (500 - len(start))

    assert normalised(longest) == longest
    assert refusal(longest + "a") == "too_long"


def test_case_05_an_issuer_may_differ_by_one_trailing_slash_only() -> None:
    assert as_launched(f"{BASE}/") == BASE
    assert as_launched(BASE) == BASE
    assert as_launched(f"{BASE}//") != BASE
    assert as_launched(BASE.upper()) != BASE
    assert as_launched(f" {BASE}") != BASE


_PIECES = """https:// HTTPS:// http:// // / . .. ./ /../ %2e %2F @ a@b : :443 :22 :99999 \\ ? # ;
    [::1] 127.0.0.1 ehr.example EHR.Example xn--a R4 api FHIR - _ ~"""
_pieces = st.sampled_from([*_PIECES.split(), " ", "\t", "\n", "\r", "\x00", "\u212a", "\u0430"])
_addresses = st.one_of(
    st.text(max_size=40).map(lambda rest: f"https://{rest}"),
    st.lists(_pieces, max_size=8).map("".join),
    st.lists(_pieces, max_size=8).map(lambda pieces: "https://ehr.example" + "".join(pieces)),
)
_harmless = set(string.ascii_letters + string.digits + "-._~/:")


def let_through(entered: str) -> list[str]:
    try:
        return [normalised(entered)]
    except Refused:
        return []


@settings(max_examples=400)
@given(_addresses)
def test_whatever_is_let_through_is_harmless_and_has_one_spelling(entered: str) -> None:
    for stored in let_through(entered):
        assert normalised(stored) == stored
        assert set(stored) <= _harmless
        host, _, path = stored.removeprefix("https://").partition("/")
        assert stored.startswith("https://")
        assert host == host.lower()
        assert not any(segment.startswith(".") for segment in path.split("/"))
        assert not stored.endswith("/")
        assert as_launched(f"{stored}/") == stored


_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_segments = st.from_regex(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,8}", fullmatch=True)


@given(
    st.lists(_labels, min_size=1, max_size=4),
    st.none() | st.integers(0, 65535),
    st.lists(_segments, max_size=4),
)
def test_an_address_of_plain_parts_is_never_refused(
    labels: list[str], port: int | None, segments: list[str]
) -> None:
    rest = "/".join(["" if port in (None, 443) else f":{port}", *segments])
    host = ".".join(labels)

    assert normalised(f"https://{host}{rest}") == f"https://{host}{rest}"
    assert normalised(f"HTTPS://{host.upper()}{rest}/") == f"https://{host}{rest}"
