"""`python -m mock_fhir --port N --cert FILE --key FILE --config FILE.json`"""

import sys

from mock_fhir.application import create_mock_fhir
from mock_fhir.config import ConfigError
from simkit.command import read_command
from simkit.server import serve


def main() -> None:
    command = read_command("Simulated EHR: SMART, FHIR R4, clinician screens, write-back")
    try:
        app = create_mock_fhir(command.config)
    except ConfigError as error:
        sys.exit(f"mock_fhir: {error}")
    serve(
        app,
        host=command.host,
        port=command.port,
        cert_file=command.cert_file,
        key_file=command.key_file,
    )


if __name__ == "__main__":
    main()
