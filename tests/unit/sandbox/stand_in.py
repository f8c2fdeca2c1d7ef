"""A tiny stand-in for every part of the sandbox: copied as ``python`` (simulators) and as ``connector``.

``STAND_IN_FAULTS`` (JSON, part -> fault) asks one to misbehave: ``fail`` ends with status 3, ``mute``
never becomes ready, ``stubborn`` ignores SIGTERM.
"""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main(arguments: list[str]) -> None:
    name = arguments[1] if arguments[0] == "-m" else " ".join(arguments)
    fault = json.loads(os.environ.get("STAND_IN_FAULTS", "{}")).get(name, "")
    say(f"{name} starts")
    if fault == "fail":
        say("cannot read the tea leaves")
        sys.exit(3)
    if fault == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    PARTS.get(name, simulator)(arguments, fault)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def keys_init(_arguments: list[str], _fault: str) -> None:
    keys = Path(os.environ["CONNECTOR_KEYS_DIRECTORY"])
    keys.mkdir(exist_ok=True)
    (keys / "entra-certificate.pem").write_text("-----BEGIN CERTIFICATE-----\n")


def db_upgrade(_arguments: list[str], _fault: str) -> None:
    database().touch()


def web(_arguments: list[str], fault: str) -> None:
    files = os.environ["CONNECTOR_TLS_CERT_FILE"], os.environ["CONNECTOR_TLS_KEY_FILE"]
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]):
        serve(os.environ["CONNECTOR_BIND"].rsplit(":", 1)[1], *files, fault)


def feed(_arguments: list[str], fault: str) -> None:
    files = os.environ["CONNECTOR_TLS_CERT_FILE"], os.environ["CONNECTOR_TLS_KEY_FILE"]
    serve(os.environ["CONNECTOR_FEED_BIND"].rsplit(":", 1)[1], *files, fault)


def worker(_arguments: list[str], fault: str) -> None:
    if fault != "mute":
        database().with_name("heartbeat").touch()
    signal.pause()


def simulator(arguments: list[str], fault: str) -> None:
    options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
    json.loads(Path(options["--config"]).read_text())
    serve(options["--port"], options["--cert"], options["--key"], fault)


def serve(port: str, cert: str, key: str, fault: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if fault == "mute" else 200)
            self.end_headers()
            self.wfile.write(answer().encode())

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    if fault != "stubborn":
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set() or os._exit(0))
    server.serve_forever()


def answer() -> str:
    beats = "CONNECTOR_DATABASE_URL" in os.environ and database().with_name("heartbeat").exists()
    return json.dumps({"status": "ready", "worker": "alive" if beats else "silent"})


def database() -> Path:
    return Path(os.environ["CONNECTOR_DATABASE_URL"].removeprefix("sqlite:///"))


PARTS = {
    "keys init": keys_init,
    "db upgrade": db_upgrade,
    "web": web,
    "feed": feed,
    "worker": worker,
}

if __name__ == "__main__":
    main(sys.argv[1:])
