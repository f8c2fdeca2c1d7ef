#!/usr/bin/env bash
# Before `pulumi up` of another image: keys and tables, by the new image, while the apps run on as they are.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/prepare_stamp.sh STACK

  1. brings the migration job, and no app, to the imageDigest of the stack file
  2. restarts the database server of a stamp that runs nothing yet, if a parameter waits for it
  3. runs the job: `connector keys init`, `connector db upgrade`
  4. activates the stableRevision of the stack file, if somebody deactivated it

Run again it changes nothing. The image must lie in the stamp's registry already. Then comes `pulumi up`.
exit status: 0 done, 1 refused or failed, 2 the arguments are wrong
TEXT
}

refuse() { # words
  echo "prepare_stamp.sh: $1" >&2
  exit 1
}

case ${1-} in --help | -h) usage; exit 0 ;; esac
[ $# -eq 1 ] && [[ $1 =~ ^(americas|emea|apac)-(test|production)$ ]] || { usage >&2; exit 2; }
readonly stack=$1
cd "$(dirname "$0")/.."
readonly file=infra/stacks/Pulumi.$stack.yaml
[ -r "$file" ] || refuse "there is no $file"

wanted=$(pulumi config get imageDigest --stack "$stack" --non-interactive 2>/dev/null || true)
[[ $wanted =~ ^sha256:[0-9a-f]{64}$ ]] || refuse "$file names no imageDigest sha256:<64 hex>: there is nothing to prepare"
stable=$(pulumi config get stableRevision --stack "$stack" --non-interactive 2>/dev/null || true)

# All at once and never guessed: an output that could not be read is not one that is missing.
outputs=$(pulumi stack output --json --stack "$stack" --non-interactive) || refuse "pulumi did not tell the outputs of $stack"
output() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]) or "")' "$1" <<<"$outputs"; }
running=$(output imageDigest)
job=$(output migrateJob)
app=$(output appName)
group=$(output resourceGroup)
[ -n "$(output registryServer)" ] ||
  refuse "$stack has no foundation yet: \`pulumi up\` without imageDigest, then import the image, then this"

job_image() {
  az containerapp job show --name "$job" --resource-group "$group" --query 'properties.template.containers[0].image' --output tsv
}

bring_image_to_job() {
  local flags=()
  cp "$file" "$copy"
  pulumi config set migrateDigest "$wanted" --stack "$stack" --config-file "$copy" --non-interactive
  if [ -n "$running" ]; then
    # What else the commit changes waits for the `up` that follows: no app gets half of a release.
    pulumi config set imageDigest "$running" --stack "$stack" --config-file "$copy" --non-interactive
    flags=(--exclude '**::app-connector' --exclude '**::app-feed' --exclude '**::app-worker')
  else
    for key in imageDigest stableRevision candidateWeight; do
      pulumi config rm "$key" --stack "$stack" --config-file "$copy" --non-interactive
    done
  fi
  scripts/up_stamp.sh "$stack" --config-file "$copy" "${flags[@]}"
}

restart_server_that_waits_for_it() {
  local server waiting
  server=$(output databaseHost)
  server=${server%%.*}
  waiting=$(az rest --method get --output tsv --query 'value[?properties.isConfigPendingRestart].name' \
    --url "https://management.azure.com/subscriptions/{subscriptionId}/resourceGroups/$group/providers/Microsoft.DBforPostgreSQL/flexibleServers/$server/configurations?api-version=2024-08-01")
  [ -z "$waiting" ] || az postgres flexible-server restart --name "$server" --resource-group "$group" --output none
}

activate_stable_revision() {
  case $(az containerapp revision list --all --name "$app" --resource-group "$group" \
    --query "[?name=='$app--$stable'].properties.active" --output tsv) in
    [Tt]rue) ;;
    [Ff]alse) az containerapp revision activate --name "$app" --resource-group "$group" --revision "$app--$stable" --output none ;;
    *) refuse "$app has no revision $stable any more: put the former imageDigest back and raise release (docs/runbooks/stamp.md#a-wrong-release)" ;;
  esac
}

copy=$(mktemp --suffix .yaml)
trap 'rm -f "$copy"' EXIT
has=''
if [ -n "$job" ]; then has=$(job_image); fi
if [[ $has == *"@$wanted" ]]; then
  echo "$job has $wanted already"
else
  bring_image_to_job
fi
[ -n "$running" ] || restart_server_that_waits_for_it
scripts/migrate_stamp.sh "$stack"
[ -z "$stable" ] || [ -z "$app" ] || activate_stable_revision
