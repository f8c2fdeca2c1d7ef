#!/usr/bin/env bash
# Start a job of a stamp and wait for its end. Everything goes through Resource Manager, so it runs from anywhere.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/run_job.sh STACK migrateJob|smokeJob
       scripts/run_job.sh STACK migrateJob CONNECTOR-ARGUMENT…

Starts the job that the stack's output names and waits until this execution ended. With arguments the job runs that
command of the connector instead of its own, once: `scripts/run_job.sh emea-test migrateJob keys list`. It has the
job's image, identity and environment. What it prints goes to the stamp's workspace; the question to ask there is said.

  JOB_SECONDS        how long to wait (default 1800)
  JOB_POLL_SECONDS   how often to look (default 10)
exit status: 0 succeeded, 1 failed or not ended in time, 2 the arguments are wrong
TEXT
}

case ${1-} in --help | -h) usage; exit 0 ;; esac
[[ ${1-} =~ ^(americas|emea|apac)-(test|production)$ && (${2-} = migrateJob || "$#.${2-}" = 2.smokeJob) ]] ||
  { usage >&2; exit 2; }
readonly stack=$1 output_name=$2 longest_seconds=${JOB_SECONDS:-1800} poll_seconds=${JOB_POLL_SECONDS:-10}
shift 2

output() { pulumi stack output "$1" --stack "$stack" --non-interactive; }

# `--args` alone would drop the job's environment: whatever is given replaces the template as a whole
# (https://github.com/Azure/azure-cli/issues/27521). So the job's own template goes back, with other arguments and
# without what runs before it. JSON is YAML.
with_other_arguments() { # the connector's arguments
  az containerapp job show --name "$job" --resource-group "$group" --query properties.template --output json |
    python3 -c '
import json, sys

(container,) = json.load(sys.stdin)["containers"]
kept = {key: container[key] for key in ("name", "image", "command", "env", "resources") if container.get(key)}
json.dump({"containers": [kept | {"args": sys.argv[1:]}]}, sys.stdout)
' "$@"
}

job=$(output "$output_name")
group=$(output resourceGroup)
readonly job group
start=(az containerapp job start --name "$job" --resource-group "$group" --query name --output tsv)
if [ $# -gt 0 ]; then
  template=$(mktemp --suffix .yaml)
  trap 'rm -f "$template"' EXIT
  with_other_arguments "$@" >"$template"
  start+=(--yaml "$template")
fi
execution=$("${start[@]}")
[ -n "$execution" ] || { echo "$job: Azure named no execution" >&2; exit 1; }
echo "$job: $execution started"

where_it_said() {
  echo "What it said, some minutes later, in the stamp's Log Analytics workspace:"
  echo "  ContainerAppConsoleLogs | where ContainerGroupName startswith \"$execution\" | order by TimeGenerated asc | project Log"
}

deadline=$((SECONDS + longest_seconds))
while :; do
  status=$(az containerapp job execution show --name "$job" --resource-group "$group" \
    --job-execution-name "$execution" --query properties.status --output tsv)
  case $status in
    Succeeded)
      echo "$execution: $status"
      [ $# -eq 0 ] || where_it_said
      exit 0
      ;;
    Failed | Stopped | Degraded)
      echo "$execution: $status" >&2
      where_it_said >&2
      exit 1
      ;;
  esac
  if [ $SECONDS -ge $deadline ]; then
    echo "$execution: still $status after $longest_seconds s" >&2
    exit 1
  fi
  sleep "$poll_seconds"
done
