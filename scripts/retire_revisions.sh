#!/usr/bin/env bash
# Deactivate the revisions of web that nobody needs: each active one holds its fewest replicas and their database
# connections. The stable one, the newest one and whatever takes traffic stay. A deactivated one can come back.
set -euo pipefail

[ $# -eq 1 ] && [[ $1 =~ ^(americas|emea|apac)-(test|production)$ ]] || {
  echo 'usage: scripts/retire_revisions.sh <americas|emea|apac>-<test|production>' >&2
  exit 2
}
readonly stack=$1

output() { pulumi stack output "$1" --stack "$stack" --non-interactive; }

app=$(output appName)
group=$(output resourceGroup)
newest=$app--$(output latestRevision)
stable=$app--$(pulumi config get stableRevision --stack "$stack" --non-interactive 2>/dev/null || true)
active=$(az containerapp revision list --name "$app" --resource-group "$group" \
  --query '[?properties.active].[name, properties.trafficWeight]' --output tsv)

grep -q "^$newest\b" <<<"$active" || {
  echo "retire_revisions.sh: $newest, the newest by pulumi's outputs, is not active: nothing was changed" >&2
  exit 1
}
while read -r revision weight; do
  if [ "$revision" = "$newest" ] || [ "$revision" = "$stable" ]; then
    echo "$revision stays"
  elif [ "${weight:-0}" != 0 ] && [ "$weight" != None ]; then
    echo "$revision stays: it takes $weight percent"
  else
    az containerapp revision deactivate --name "$app" --resource-group "$group" --revision "$revision" --output none
    echo "$revision is deactivated"
  fi
done <<<"$active"
