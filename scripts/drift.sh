#!/usr/bin/env bash
# Does Azure still look as the program says, and does the state still keep the rules? Nightly, changes nothing.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/drift.sh [STACK…]        (default: all six)

For each stack: `pulumi refresh` (was something changed by hand?), `pulumi preview` (does the program want something
else?), `pulumi policy analyze` (does the state keep the rules?). What each said is in artefacts/drift/.

  PULUMI_BACKEND_URL   state of the stacks asked for (default: each one's, as scripts/bootstrap_state.sh made it)
  DRIFT_LOGS           another folder for what each said
exit status: 0 all as they should be, 1 drift, a broken rule or a failure, 2 the arguments are wrong
TEXT
}

readonly POLICY=infra/policy
cd "$(dirname "$0")/.." || exit 1
stacks=()
for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    americas-test | americas-production | emea-test | emea-production | apac-test | apac-production) stacks+=("$argument") ;;
    *) usage >&2; echo "drift.sh: there is no stack $argument" >&2; exit 2 ;;
  esac
done
if [ ${#stacks[@]} -eq 0 ]; then
  for geography in americas emea apac; do stacks+=("$geography-test" "$geography-production"); done
fi
command -v pulumi >/dev/null || { echo 'drift.sh: pulumi is not installed: https://www.pulumi.com/docs/install/' >&2; exit 1; }
logs=${DRIFT_LOGS:-artefacts/drift}
mkdir -p "$logs"

# Prints ok, drift or failed; pulumi's exit status is the same for both, its words are not.
check() { # stack, name of the log, pulumi's arguments
  local stack=$1 log=$logs/$1-$2.log
  shift 2
  local backend=${PULUMI_BACKEND_URL:-azblob://pulumi-state-${stack#*-}?storage_account=stehrpulumi${stack%-*}}
  if PULUMI_BACKEND_URL=$backend PULUMI_SKIP_UPDATE_CHECK=true pulumi "$@" --stack "$stack" --non-interactive --color never >"$log" 2>&1; then
    echo ok
  elif grep -qi 'no changes were expected' "$log"; then
    echo drift
  elif grep -qi 'mandatory policy violations were found' "$log"; then
    echo broken
  else
    echo failed
  fi
}

status=0
printf '%-22s %-8s %-8s %-8s\n' stack refresh preview policy
for stack in "${stacks[@]}"; do
  refresh=$(check "$stack" refresh refresh --preview-only --expect-no-changes)
  preview=$(check "$stack" preview preview --refresh --expect-no-changes)
  policy=$(check "$stack" policy policy analyze --policy-pack "$POLICY")
  printf '%-22s %-8s %-8s %-8s\n' "$stack" "$refresh" "$preview" "$policy"
  [ "$refresh$preview$policy" = okokok ] || status=1
done
[ $status -eq 0 ] || echo "what pulumi said is in $logs/" >&2
exit $status
