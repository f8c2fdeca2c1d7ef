"""The file of prepared launches: what it gives, and how everything that is wrong with it is told, without its values."""

from pathlib import Path

import pytest
from loadtest.prepared.launch_file import LaunchesRefused, LaunchFile
from loadtest.records import Persona

TARGET = "https://visits.example"
SECRET = "t0ken"
ISS = "https%3A%2F%2Fehr.example%2FR4"


def url(persona: str = "provider", number: str = "1", target: str = TARGET) -> str:
    return f"{target}/launch/{persona}?iss={ISS}&launch={SECRET}{number}"


def rows(count: int = 3) -> list[str]:
    """So many visits of two people."""
    return [
        f"{who},{url(who, f'{n}-{who}')},visit-{n}"
        for n in range(count)
        for who in ("provider", "patient")
    ]


def written(folder: Path, *lines: str, heading: str = "persona,launch_url,visit") -> Path:
    file = folder / "launches.csv"
    file.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return file


def read(folder: Path, *lines: str, heading: str = "persona,launch_url,visit") -> LaunchFile:
    return LaunchFile.read(written(folder, *lines, heading=heading), TARGET)


def problems(folder: Path, *lines: str, heading: str = "persona,launch_url,visit") -> list[str]:
    with pytest.raises(LaunchesRefused) as refused:
        read(folder, *lines, heading=heading)
    said = str(refused.value).splitlines()
    assert SECRET not in str(refused.value)
    assert said[0].endswith("launches.csv cannot be used:")
    return said[1:]


def test_rows_of_one_visit_are_its_two_people_and_the_file_s_order_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, *rows())
    assert [one.csn for one in found.trials] == ["line 2"]
    assert [one.csn for one in found.visits] == ["line 4", "line 6"]
    assert [one.persona for one in found.visits[0].launches] == [Persona.PROVIDER, Persona.PATIENT]
    assert found.visits[1].patient is not None
    assert found.visits[1].patient.url == url("patient", "2-patient")


def test_a_row_without_a_visit_is_a_visit_of_its_own(tmp_path: Path) -> None:
    lines = [f"provider,{url(number=str(n))}," for n in range(3)]
    found = read(tmp_path, *lines)
    assert [one.patient for one in found.visits] == [None, None]


def test_a_patient_s_first_launch_is_tried_too_where_it_is_of_another_visit(
    tmp_path: Path,
) -> None:
    lines = [
        *(f"provider,{url(number=str(n))}," for n in range(2)),
        *(f"patient,{url('patient', str(n))}," for n in range(2, 4)),
    ]
    found = read(tmp_path, *lines)
    assert [one.csn for one in found.trials] == ["line 2", "line 4"]
    assert [one.csn for one in found.visits] == ["line 3", "line 5"]


def test_an_address_is_put_together_of_issuer_and_token(tmp_path: Path) -> None:
    lines = [f"provider,https://ehr.example/R4,{SECRET}{n}" for n in range(2)]
    found = read(tmp_path, *lines, heading="persona,iss,launch")
    assert found.visits[0].provider is not None
    assert found.visits[0].provider.url == url()


def test_both_ways_may_stand_in_one_file(tmp_path: Path) -> None:
    lines = [f"provider,{url()},,", f"provider,,https://ehr.example/R4,{SECRET}2"]
    assert len(read(tmp_path, *lines, heading="persona,launch_url,iss,launch").visits) == 1


def test_clinicians_are_counted_by_name(tmp_path: Path) -> None:
    lines = [f"provider,{url(number=str(n))},{who}" for n, who in enumerate("aabc")]
    assert read(tmp_path, *lines, heading="persona,launch_url,clinician").clinicians == 3
    assert read(tmp_path, *rows()).clinicians == 0


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    lines = "\r\n".join(["persona,launch_url,visit", "", *rows(), ""])
    file = tmp_path / "launches.csv"
    file.write_bytes(b"\xef\xbb\xbf" + lines.encode())
    assert [one.csn for one in LaunchFile.read(file, TARGET).visits] == ["line 5", "line 7"]


def test_nothing_of_a_launch_is_shown_by_accident(tmp_path: Path) -> None:
    cookies(tmp_path)
    shown = repr(
        read(
            tmp_path,
            *(f"provider,{url(number=str(n))},Dr. {SECRET},cookies.txt" for n in range(3)),
            heading="persona,launch_url,clinician,cookies",
        )
    )
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (f"nurse,{url()},", "persona must be one of provider, patient"),
        (f"Provider,{url()},", "persona must be one of"),
        ("provider,,", "either launch_url must be filled, or iss and launch"),
        (f"provider,{url(target='http://visits.example')},", "another host than the target"),
        (f"provider,{url(target='https://visits.example.evil')},", "another host"),
        (f"provider,{url(target='https://visits.example:8443')},", "another host"),
        (f"provider,{url(target='https://me:pw@visits.example')},", "another host"),
        (f"provider,{url('patient')},", "a provider launches at /launch/provider"),
        (f"patient,{url()},", "a patient launches at /launch/patient"),
        (f"provider,https://[visits/launch/provider?launch={SECRET},", "is no address"),
        (f"provider,{TARGET}/launch/provider?launch={SECRET},", "needs one iss"),
        (f"provider,{url().replace('https%3A', 'http%3A')},", "iss that begins with https"),
        (f"provider,{url()}&iss={ISS},", "needs one iss"),
        (f"provider,{TARGET}/launch/provider?iss={ISS},", "needs one launch"),
        (f"provider,{url()}&launch={SECRET}9,", "needs one launch"),
        (f"provider,{url()}", "has 2 cells, the heading 3"),
        (f"provider,{url()},a,{SECRET}", "has 4 cells, the heading 3"),
    ],
)
def test_a_wrong_row_is_told_by_its_line_and_no_value(tmp_path: Path, row: str, says: str) -> None:
    found = problems(tmp_path, *rows(), row)
    assert len(found) == 1
    assert found[0].startswith("line 8: ")
    assert says in found[0]


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, f"nurse,{url()},", *rows(), f"patient,{url()},", "provider,,")
    assert [one.partition(":")[0] for one in found] == ["line 2", "line 9", "line 10"]


def test_one_row_with_several_problems_names_each(tmp_path: Path) -> None:
    found = problems(tmp_path, *rows(), "provider,https://other.example/x,")
    assert [one.partition(":")[0] for one in found] == ["line 8"] * 3


def test_a_launch_that_stands_there_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    again = url("provider", "1-provider") + "&from=elsewhere"
    (said,) = problems(tmp_path, *rows(), f"provider,{again},")
    assert said.startswith("line 8: its launch stands in line 4 already")


def test_a_launch_given_in_two_ways_is_the_same_launch(tmp_path: Path) -> None:
    lines = [f"provider,{url()},,", f"provider,,https://ehr.example/R4,{SECRET}1"]
    (said,) = problems(tmp_path, *lines, heading="persona,launch_url,iss,launch")
    assert "line 3: its launch stands in line 2 already" in said


def test_the_same_token_of_two_issuers_is_two_launches(tmp_path: Path) -> None:
    lines = [f"provider,https://ehr{n}.example/R4,{SECRET}" for n in range(2)]
    assert len(read(tmp_path, *lines, heading="persona,iss,launch").visits) == 1


def test_both_ways_in_one_row_are_refused(tmp_path: Path) -> None:
    row = f"provider,{url()},https://ehr.example/R4,{SECRET}1"
    (said,) = problems(tmp_path, row, heading="persona,launch_url,iss,launch")
    assert "either launch_url must be filled, or iss and launch" in said


@pytest.mark.parametrize("row", [f"provider,,{SECRET}", "provider,https://ehr.example/R4,"])
def test_half_of_a_launch_is_refused(tmp_path: Path, row: str) -> None:
    assert (
        "line 2: its launch needs one" in problems(tmp_path, row, heading="persona,iss,launch")[0]
    )


def test_a_visit_has_one_clinician(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, *rows(), f"provider,{url(number='x')},visit-1")
    assert said == "line 8: its visit has a provider in line 4 already"


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        ("launch_url,visit", "line 1: there is no column persona"),
        ("persona;launch_url;visit", "line 1: there is no column persona; commas stand between"),
        ("persona,visit", "line 1: there is no column launch_url, nor the two columns"),
        ("persona,iss", "line 1: there is no column launch_url, nor the two columns"),
        ("persona,launch_url,vist", "line 1: unknown are columns 3"),
        ("persona,launch_url,launch_url", "line 1: column launch_url stands there twice"),
        (f"provider,{url()}", "line 1: unknown are columns 1, 2"),
    ],
)
def test_a_wrong_heading_is_told_alone(tmp_path: Path, heading: str, says: str) -> None:
    found = problems(tmp_path, "anything", heading=heading)
    assert any(one.startswith(says) for one in found), found
    assert all(one.startswith("line 1:") for one in found)


def test_a_file_without_a_launch_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == ["line 2: there is no launch"]


def test_a_file_that_is_spent_by_trying_is_refused(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, *rows(1))
    assert "no launch is left for the run" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"persona,launch_url\n\xff\xfe", "is not UTF-8"),
        (b'persona,launch_url\nprovider,"a"b', "is not CSV from line 2 on"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "launches.csv").write_bytes(content)
    with pytest.raises(LaunchesRefused, match=says):
        LaunchFile.read(tmp_path / "launches.csv", TARGET)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchesRefused, match="cannot be read"):
        LaunchFile.read(tmp_path / "launches.csv", TARGET)


def cookies(folder: Path, *lines: str) -> None:
    good = f"ehr.example\tFALSE\t/\tTRUE\t0\tsession\t{SECRET}"
    text = "\n".join(["# Netscape HTTP Cookie File", "", *(lines or [good])])
    (folder / "cookies.txt").write_text(text, encoding="utf-8")


def test_who_launches_has_the_cookies_that_were_given(tmp_path: Path) -> None:
    cookies(
        tmp_path,
        f"ehr.example\tFALSE\t/\tTRUE\t0\tsession\t{SECRET}",
        "#HttpOnly_.example\tTRUE\t/\tTRUE\t4102444800\tsso\t2",
        "ehr.example\tFALSE\t/\tTRUE\t1000\told\t3",
    )
    lines = [f"provider,{url(number=str(n))},cookies.txt" for n in range(2)]
    found = read(tmp_path, *lines, heading="persona,launch_url,cookies")
    assert found.visits[0].provider is not None
    jar = found.visits[0].provider.cookies
    assert jar.header_for("https://ehr.example/a") == f"session={SECRET}; sso=2"
    assert jar.header_for("https://visits.example/") == "sso=2"
    assert jar.header_for("https://below.ehr.example/") == "sso=2"
    assert jar.header_for("https://other.test/") == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ehr.example FALSE / TRUE 0 session 1", "line 3 is no cookie"),
        ("ehr.example\tFALSE\t/\tTRUE\tnever\tsession\t1", "line 3 is no cookie"),
        ("ehr.example\tFALSE\t/\tTRUE\t1000\tsession\t1", "no cookie that is still good"),
    ],
)
def test_cookies_that_cannot_be_used_are_told_once(tmp_path: Path, line: str, says: str) -> None:
    cookies(tmp_path, line)
    lines = [f"provider,{url(number=str(n))},cookies.txt" for n in range(2)]
    found = problems(tmp_path, *lines, heading="persona,launch_url,cookies")
    assert len(found) == 1
    assert says in found[0]


def test_a_cookies_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    row = f"provider,{url()},absent.txt"
    (said,) = problems(tmp_path, row, heading="persona,launch_url,cookies")
    assert said.startswith("line 2: the cookies' file cannot be read")
