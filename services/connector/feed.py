"""The feed process: uvicorn and one small ASGI application."""

import uvicorn

from connector.bootstrap import build_feed
from connector.settings import Settings


def serve(settings: Settings) -> None:
    host, _, port = settings.feed_bind.rpartition(":")
    uvicorn.run(
        build_feed(settings),
        host=host,
        port=int(port),
        ssl_certfile=settings.tls_cert_file,
        ssl_keyfile=settings.tls_key_file,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
