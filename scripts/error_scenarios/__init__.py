"""E1 to E14 of docs/runbooks/errors.md, each produced in the sandbox by people at browsers."""
