"""`python -m mock_microsoft --port N --cert FILE --key FILE --config FILE.json`."""

import sys

from pydantic import ValidationError

from mock_microsoft.app import create_app
from mock_microsoft.config import Configuration
from simkit.command import read_command
from simkit.server import serve


def main() -> None:
    """A wrong configuration ends the process with status 2 and says which value is wrong."""
    command = read_command("Simulator of Microsoft Entra ID, Graph and Teams.")
    try:
        config = Configuration.model_validate(command.config)
    except ValidationError as error:
        sys.stderr.write(f"mock_microsoft: wrong configuration: {error}\n")
        sys.exit(2)
    serve(
        create_app(config),
        host=command.host,
        port=command.port,
        cert_file=command.cert_file,
        key_file=command.key_file,
    )


if __name__ == "__main__":
    main()
