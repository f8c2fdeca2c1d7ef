"""The stand-in for a build does what the lines say, and its findings are findings."""

import sys
from pathlib import Path

import pytest
from scripts.image.contents import ContentsWrong, examine, pins, require_files
from scripts.image.dockerfile import read_stages
from scripts.image.stand_in import StageFailed, StandIn
from scripts.image_check import main

CURRENT = Path(sys.executable).parents[1]


def built(tmp_path: Path, *lines: str) -> Path:
    context = tmp_path / "context"
    (context / "code").mkdir(parents=True)
    (context / "code/module.py").write_text("x = 1")
    (context / "one.lock").write_text("a==1")
    file = context / "Dockerfile"
    file.write_text("\n".join(["FROM scratch AS build", *lines]))
    (stage,) = read_stages(file)
    root = tmp_path / "root"
    root.mkdir()
    StandIn(context, root, lambda _text: None).build(stage)
    return root


def test_absolute_paths_of_the_image_are_moved_and_copies_land_there(tmp_path: Path) -> None:
    root = built(
        tmp_path,
        "WORKDIR /src",
        "COPY one.lock ./",
        "COPY code code",
        "RUN mkdir -p /opt/x && cp one.lock code/module.py /opt/x",
    )
    assert sorted(p.name for p in (root / "opt/x").iterdir()) == ["module.py", "one.lock"]


def test_variables_reach_the_lines_and_nothing_of_ours_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    root = built(
        tmp_path,
        "WORKDIR /src",
        "ENV KIND=slim OTHER=x",
        'RUN printf "%s%s" "$KIND" "$VIRTUAL_ENV" > kind',
    )
    assert (root / "src/kind").read_text() == "slim"


def test_a_line_that_fails_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="status 3"):
        built(tmp_path, "WORKDIR /src", "RUN exit 3", "RUN touch never")


def test_more_or_less_than_the_lock_is_found(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("flask==0.1 \\\n    --hash=sha256:00\nno-such-thing==1 \\\n")
    with pytest.raises(ContentsWrong) as found:
        examine(CURRENT, lock, ("simkit",))
    said = str(found.value)
    assert "no-such-thing is locked and missing" in said
    assert "locked 0.1" in said
    assert "pytest" in said


def test_markers_are_no_part_of_a_version(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text('uvloop==1.2 ; sys_platform != "win32" \\\n    --hash=sha256:00\na==2\n')
    assert pins(lock) == {"uvloop": "1.2", "a": "2"}


def test_an_unknown_stage_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connector"]) == 2
    assert "build-simulators" in capsys.readouterr().out


def test_a_file_behind_a_link_that_was_not_packaged_is_found(tmp_path: Path) -> None:
    packaged = tmp_path / "env/lib/python3.11/site-packages/connector"
    source = tmp_path / "services/connector"
    for folder in (packaged, source, tmp_path / "docs/runbooks"):
        folder.mkdir(parents=True)
    (tmp_path / "docs/runbooks/launch.md").touch()
    (source / "runbooks").symlink_to(tmp_path / "docs/runbooks")
    with pytest.raises(ContentsWrong, match=r"connector/runbooks/launch\.md"):
        require_files(tmp_path / "env", tmp_path / "services", ("connector",))


def test_a_file_that_was_not_packaged_is_found(tmp_path: Path) -> None:
    packaged = tmp_path / "env/lib/python3.11/site-packages/connector"
    source = tmp_path / "services/connector"
    for folder in (packaged, source):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    require_files(tmp_path / "env", tmp_path / "services", ("connector",))
    (source / "page.html").touch()
    with pytest.raises(ContentsWrong, match=r"connector/page\.html"):
        require_files(tmp_path / "env", tmp_path / "services", ("connector",))
