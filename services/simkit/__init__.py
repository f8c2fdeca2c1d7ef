"""What makes a simulator a simulator; knows none of them.

| module     | gives |
|------------|-------|
| `clock`    | `Clock`: real time plus an offset that a tester sets, advances, resets; `parse_instant(text)` |
| `journal`  | `Journal`, `Exchange`: bounded record of requests and answers; `to_json(entry)`, `to_har(entries)` |
| `faults`   | `Faults`, `Fault`: failures asked for by route; `fault_from(document)` parses one |
| `keys`     | `IssuerKey`: RSA-2048 signing key with `kid`, `sign`, `public_jwk`, `rotate` |
| `control`  | `control_plane(simulator, world=…, scope=…)`: the `/sim` blueprint (`ControlPlane`); `World` protocol |
| `app`      | `create_simulator(import_name, simulator, world)` -> Flask; `Simulator`; `current_simulator()` |
| `outbound` | `recorded_session(journal, clock, ca_file)`: a `requests.Session` whose exchanges are in the journal |
| `command`  | `read_command(description)`: `--port --cert --key --config` of `python -m mock_xxx`; `Command` |
| `server`   | `serve(app, port=…, cert_file=…, key_file=…)`: gunicorn; `Embedded(app_for)`: in-thread server for tests |

A simulator is put together like this:

    simulator = Simulator(title="Portal simulator")
    world = PortalWorld(config, simulator.clock)          # has reset(), seed(document), state()
    app = create_simulator(__name__, simulator, world)    # /healthz, /sim, journal, faults, headers, error pages
    app.register_blueprint(pages)
    serve(app, port=8442, cert_file=…, key_file=…)

In a test, where the base URL must be known before the application is built:

    with Embedded(lambda base_url: create_portal(base_url)) as server:
        requests.Session().get(f"{server.url}/healthz")

Faults, clock and journal never touch control-plane routes or `/healthz`, so a tester can always undo what was asked for.
"""
