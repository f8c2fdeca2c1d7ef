"""`connector web`: what gunicorn is told; the application itself is built after the fork."""

from pathlib import Path

import pytest
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
