#!/usr/bin/env bash
# `pulumi up` as a pipeline runs it: judged by the pack, nobody asked. A PostgreSQL server that was just made refuses
# its next change as ServerIsBusy while its first backup runs: that, and only that, is tried once more.
set -euo pipefail

[ $# -ge 1 ] && [[ $1 =~ ^(americas|emea|apac)-(test|production)$ ]] || {
  echo 'usage: scripts/up_stamp.sh <americas|emea|apac>-<test|production> [pulumi up flag…]' >&2
  exit 2
}
readonly stack=$1 pause_seconds=${UP_PAUSE_SECONDS:-180}
shift
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

up() {
  pulumi up --stack "$stack" --policy-pack infra/policy --yes --non-interactive --suppress-outputs --color never "$@" 2>&1 |
    tee "$log"
}

if ! up "$@"; then
  grep -q ServerIsBusy "$log" || exit 1
  echo "up_stamp.sh: the database server was busy; once more in $pause_seconds s" >&2
  sleep "$pause_seconds"
  up "$@"
fi
