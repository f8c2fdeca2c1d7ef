"""EHR and Microsoft of one recorded launch, for any number of launches: `python -m loadtest.bench.outside script.json`.

Strict simulators cost as much as what is measured. This one says what they said, with the numbers of each launch
put in, after a delay; it checks nothing and is good for nothing else.
"""

import base64
import hashlib
import json
import random
import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

JWKS_KEY_BITS = 2048
HEAD_END = b"\r\n\r\n"
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the outside said during one launch.

    Attributes:
        documents: body by path, of every GET; `patched` of every PATCH.
        csn: the recorded visit's contact serial number; stands in for each launch's own.
        thread: the recorded meeting's id, likewise.
        patient_token: the patient's answer, with `patient_claims`; empty where only a provider launched.
        backend_token: the answer to the worker, who brings no code; empty when none was recorded.
        delays_ms: least and most milliseconds before an answer.
    """

    ports: tuple[int, ...]
    certificate: str
    key: str
    documents: Mapping[str, str]
    patched: Mapping[str, str]
    jwks_path: str
    token_path: str
    token: str
    id_claims: Mapping[str, Any]
    appointments_path: str
    appointment: str
    meeting_path: str
    meeting: str
    csn: str
    thread: str
    meeting_id: str
    app_token_path: str
    app_token: str
    patient_token: str = ""
    patient_claims: Mapping[str, Any] = field(default_factory=dict)
    backend_token: str = ""
    delays_ms: tuple[float, float] = (20.0, 50.0)


@dataclass(slots=True)
class Outside:
    script: Script
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(65537, JWKS_KEY_BITS)
    )

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """The body of the answer; empty for a path nobody asked for when it was recorded."""
        script = self.script
        if method == "GET" and path.startswith(script.appointments_path):
            csn = path.rsplit("-", 1)[1]
            return script.appointment.replace(script.csn, csn).encode()
        posts: dict[str, Callable[[bytes], str]] = {
            script.token_path: self._token,
            script.meeting_path: self._meeting,
            script.app_token_path: lambda _: script.app_token,
        }
        if method == "POST" and path in posts:
            return posts[path](body).encode()
        if path == script.jwks_path:
            return self._jwks().encode()
        said = script.patched if method == "PATCH" else script.documents
        return self._of_any_meeting(path, said).encode()

    def _of_any_meeting(self, path: str, said: Mapping[str, str]) -> str:
        """What was said at this path, or at the same path of the recorded meeting."""
        here, _, rest = path.partition("/onlineMeetings/")
        tail = rest.partition("/")[2]
        recorded = f"{here}/onlineMeetings/{self.script.meeting_id}" + (f"/{tail}" if tail else "")
        return said.get(path) or said.get(recorded, "")

    def _token(self, body: bytes) -> str:
        """The code is `<csn>~<nonce>`, a patient's `p<csn>~<nonce>`: nothing need be remembered between two requests."""
        script, asked = self.script, parse_qs(body.decode())
        if "code" not in asked:
            return script.backend_token
        csn, _, nonce = asked["code"][0].partition("~")
        answer, who = script.token, script.id_claims
        if csn.startswith("p"):
            csn, answer, who = csn[1:], script.patient_token, script.patient_claims
        now = int(time.time())
        claims = {**who, "nonce": nonce, "iat": now, "exp": now + 300}
        id_token = jwt.encode(claims, self.key, "RS256", headers={"kid": "bench"})
        return answer.replace(script.csn, csn).replace("ID_TOKEN", id_token)

    def _meeting(self, body: bytes) -> str:
        external_id = json.loads(body)["externalId"]
        name = hashlib.sha256(external_id.encode()).hexdigest()[: len(self.script.thread)]
        own = self.script.meeting.replace(self.script.thread, name)
        return own.replace(self.script.meeting_id, f"bench-{name}")

    def _jwks(self) -> str:
        numbers = self.key.public_key().public_numbers()
        public = {
            name: base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(
                b"="
            )
            for name, value in (("n", numbers.n), ("e", numbers.e))
        }
        return json.dumps(
            {
                "keys": [
                    {"kty": "RSA", "kid": "bench", "alg": "RS256", "use": "sig"}
                    | {name: value.decode() for name, value in public.items()}
                ]
            }
        )


def converse(connection: ssl.SSLSocket, outside: Outside) -> None:
    """One kept-alive connection in a thread of its own; a client asks again only after an answer."""
    received = b""
    with connection:
        while more := connection.recv(_MOST_BYTES):
            received += more
            head, found, body = received.partition(HEAD_END)
            if not found or len(body) < (length := _content_length(head)):
                continue
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            answer = _whole(outside.answer(method, path.partition("?")[0], body[:length]))
            received = body[length:]
            time.sleep(random.uniform(*outside.script.delays_ms) / 1000)  # noqa: S311 - no secret
            connection.sendall(answer)


def _whole(body: bytes) -> bytes:
    status = b"200 OK" if body else b"404 Not Found"
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def listen(port: int, context: ssl.SSLContext, outside: Outside) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        while True:
            plain, _ = listener.accept()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = Thread(target=_secure, args=(plain, context, outside), daemon=True)
            thread.start()


def _secure(plain: socket.socket, context: ssl.SSLContext, outside: Outside) -> None:
    """A client that hangs up has been measured."""
    with suppress(OSError):
        converse(context.wrap_socket(plain, server_side=True), outside)


def serve(script: Script) -> None:
    outside = Outside(script)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(script.certificate, script.key)
    listeners = [
        Thread(target=listen, args=(port, context, outside), daemon=True) for port in script.ports
    ]
    for listener in listeners:
        listener.start()
    for port in script.ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    print("ready", flush=True)
    for listener in listeners:
        listener.join()


if __name__ == "__main__":
    read = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    serve(Script(**{**read, "ports": tuple(read["ports"]), "delays_ms": tuple(read["delays_ms"])}))
