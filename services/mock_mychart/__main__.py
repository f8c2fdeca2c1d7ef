"""``python -m mock_mychart --port N --cert FILE --key FILE --config FILE.json``."""

import sys

from mock_mychart.app import create_mychart
from mock_mychart.config import ConfigError, read_config
from simkit.command import read_command
from simkit.server import serve


def main() -> None:
    command = read_command("Simulator of the MyChart patient portal.")
    try:
        config = read_config(command.config)
    except ConfigError as error:
        sys.exit(f"mock_mychart: configuration: {error}")
    serve(
        create_mychart(config),
        host=command.host,
        port=command.port,
        cert_file=command.cert_file,
        key_file=command.key_file,
    )


if __name__ == "__main__":
    main()
