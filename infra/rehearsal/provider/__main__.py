"""The plugin process: prints its port, serves the engine on loopback, leaves quietly when told to.

The engine gives its own address as the first argument, and reads nothing from stdout but the port.
"""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.provider.client import ArmClient
from rehearsal.provider.install import ARM_URL, SUBSCRIPTION
from rehearsal.provider.service import Provider

THREADS = 32
LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024  # the engine's own limit
SIZES = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
]


def main() -> int:
    told_to_leave = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_leave.set())
    server = grpc.server(ThreadPoolExecutor(THREADS), options=SIZES)
    provider = Provider(ArmClient(os.environ[ARM_URL]), os.environ[SUBSCRIPTION])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    told_to_leave.wait()
    server.stop(grace=1).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
