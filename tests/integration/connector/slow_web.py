"""`connector web` over a `World` whose EHR takes its time; its own process, for gunicorn forks.

python -m tests.integration.connector.slow_web FOLDER PORT: one worker process, two threads.
"""

import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request
from tests.builders.launches import PATIENT_USER
from tests.builders.web import Site
from tests.builders.world import World, context_of
from tests.fakes.smart import FakeSmart

from connector.domain.launch import LaunchKind
from connector.settings import Settings
from connector.wsgi import Web

EHR_SECONDS = 2.0


class SlowSmart(FakeSmart):
    def redeem_code(self, *arguments: Any, **options: Any) -> Any:
        time.sleep(EHR_SECONDS)
        return super().redeem_code(*arguments, **options)


class SlowWeb(Web):
    def load(self) -> Flask:
        world = World(Path(sys.argv[1]), smart=SlowSmart())
        world.add_environment()
        world.approve()
        world.book()
        app = Site(world).app
        app.add_url_rule(
            "/sim/patient-agrees",
            view_func=lambda: jsonify(
                world.smart.sign_in(
                    request.args["at"], PATIENT_USER, context_of(LaunchKind.PATIENT)
                )
            ),
        )
        return app


if __name__ == "__main__":
    SlowWeb(
        Settings(
            public_url="https://connector.example",
            bind=f"127.0.0.1:{sys.argv[2]}",
            database_url=f"sqlite:///{sys.argv[1]}/connector.db",
            data_geography="americas",
            keys_directory=sys.argv[1],
            microsoft_client_id="aaaaaaaa-0000-4000-8000-000000000001",
            web_workers=1,
            web_threads=2,
        )
    ).run()
