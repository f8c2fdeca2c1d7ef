"""`connector`: what operators run. Every command reads the environment and exits 0, 1 or 2.

0 done, 1 it could not be done or the answer is no, 2 the command or the settings are wrong. A
command of another area is a module beside this one, added to `main` below; what it needs of the
connector it imports when it runs, so that `--help` is fast.
"""

from connector.cli.audit import audit
from connector.cli.database import db
from connector.cli.doctor import doctor
from connector.cli.keys import keys
from connector.cli.outbox import outbox
from connector.cli.people import erase, export
from connector.cli.processes import run_feed, run_web, run_worker
from connector.cli.smoke import smoke
from connector.cli.speech import Operators

main = Operators(
    "connector",
    help="""Run and look after the Teams EHR connector.

    Settings come from CONNECTOR_… environment variables (docs/settings.md). Every command exits 0
    when it is done, 1 when it could not be done or the answer is no, and 2 when the command or a
    setting is wrong.
    """,
)

for _command in (
    run_web,
    run_worker,
    run_feed,
    db,
    keys,
    smoke,
    outbox,
    audit,
    doctor,
    erase,
    export,
):
    main.add_command(_command)
