#!/usr/bin/env bash
# Run a stamp's migration job (`connector keys init`, `connector db upgrade`) and wait for its end. It runs the image
# the job has: scripts/prepare_stamp.sh brings it the stack file's first.
set -euo pipefail

[ $# -eq 1 ] && [[ $1 =~ ^(americas|emea|apac)-(test|production)$ ]] || {
  echo 'usage: scripts/migrate_stamp.sh <americas|emea|apac>-<test|production>' >&2
  exit 2
}
exec "$(dirname "$0")/run_job.sh" "$1" migrateJob
