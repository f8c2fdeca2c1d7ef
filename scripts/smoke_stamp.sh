#!/usr/bin/env bash
# Does what was just deployed answer? A job of the stamp asks from within its network: the candidate where there is
# one, else the app itself. A new revision may need a minute, so it is asked again.
set -euo pipefail

[ $# -eq 1 ] && [[ $1 =~ ^(americas|emea|apac)-(test|production)$ ]] || {
  echo 'usage: scripts/smoke_stamp.sh <americas|emea|apac>-<test|production>' >&2
  exit 2
}
readonly stack=$1 tries=${SMOKE_TRIES:-3} pause_seconds=${SMOKE_PAUSE_SECONDS:-30}

for try in $(seq "$tries"); do
  [ "$try" -eq 1 ] || sleep "$pause_seconds"
  if "$(dirname "$0")/run_job.sh" "$stack" smokeJob; then
    exit 0
  fi
done
echo "$stack does not answer: docs/runbooks/stamp.md#gateway-unhealthy" >&2
exit 1
