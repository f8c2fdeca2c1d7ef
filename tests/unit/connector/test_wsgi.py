"""`connector web`: what gunicorn is told; the application itself is built after the fork."""

import gc
from pathlib import Path

import pytest
from flask import Flask
from gunicorn.arbiter import Arbiter

from connector.settings import Settings
from connector.wsgi import Web


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(
        Settings(
            public_url="https://connector.example",
            database_url=f"sqlite:///{tmp_path / 'connector.db'}",
            data_geography="emea",
            keys_directory=tmp_path / "keys",
            microsoft_client_id="aaaaaaaa-0000-4000-8000-000000000001",
        )
    )


def test_nothing_is_written_to_the_home_directory(web: Web, tmp_path: Path) -> None:
    """It is read-only in a container, and who may open a control socket may stop the workers."""
    web.cfg.set("control_socket", str(tmp_path / "home/.gunicorn/gunicorn.ctl"))
    arbiter = Arbiter(web)
    arbiter._start_control_server()
    assert arbiter._control_server is None
    assert not (tmp_path / "home").exists()


def test_what_lives_as_long_as_the_process_is_not_gone_through_during_launches(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.wsgi.build_web", lambda _settings: Flask("built"))
    try:
        assert web.load().name == "built"
        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
