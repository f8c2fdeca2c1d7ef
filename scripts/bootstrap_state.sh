#!/usr/bin/env bash
# Once per stack, before it is made: where Pulumi keeps its state and the key that seals secrets in it, both in the
# geography. Test and production have a container and a key each: whoever may write the one cannot write the other.
# Run again it changes nothing. docs/deploying.md tells when.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/bootstrap_state.sh --geography GEO --environment ENV --region REGION --subscription ID [options]

  --geography GEO          americas, emea or apac
  --environment ENV        test or production: whose container and key are made, and whose the principal may use
  --region REGION          Azure region of that geography with availability zones, e.g. swedencentral
  --subscription ID        the subscription az must be signed in to; anything else is refused. Never one in which those
                           who deploy the test stamp may write: whoever may write an account may give himself its keys

  --principal OBJECT_ID    who will run pulumi: Entra object id (default: who is signed in)
  --principal-type TYPE    User, Group or ServicePrincipal (default: User; for CI ServicePrincipal)
  --storage-account NAME   default stehrpulumi<geo>; storage account names are taken world-wide
  --vault NAME             default kv-ehr-pulumi-<geo>; so are vault names
  --dry-run                print every az command, run none that changes anything

Makes the resource group, the storage account (Entra sign-in only, zone redundant and never geo redundant, versioned,
soft delete) and the key vault of the geography, the environment's container and key in them, and the two role
assignments pulumi needs for these.
exit status: 0 done, 1 refused or failed, 2 the arguments are wrong
TEXT
}

refuse() { # status, words
  echo "bootstrap_state.sh: $2" >&2
  exit "$1"
}

readonly KEPT_DAYS=35 VAULT_KEPT_DAYS=90 VAULT_API=2023-07-01
geography='' environment='' region='' subscription='' principal='' principal_type=User account='' vault='' dry_run=false

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --dry-run) dry_run=true; shift; continue ;;
    --geography | --environment | --region | --subscription | --principal | --principal-type | --storage-account | --vault) ;;
    *) usage >&2; refuse 2 "unknown argument $1" ;;
  esac
  [ $# -ge 2 ] && [ -n "$2" ] || refuse 2 "$1 needs a value"
  case $1 in
    --geography) geography=$2 ;;
    --environment) environment=$2 ;;
    --region) region=$2 ;;
    --subscription) subscription=$2 ;;
    --principal) principal=$2 ;;
    --principal-type) principal_type=$2 ;;
    --storage-account) account=$2 ;;
    --vault) vault=$2 ;;
  esac
  shift 2
done

guid='^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
case $geography in americas | emea | apac) ;; *) refuse 2 '--geography is americas, emea or apac' ;; esac
case $environment in test | production) ;; *) refuse 2 '--environment is test or production' ;; esac
case $principal_type in User | Group | ServicePrincipal) ;; *) refuse 2 '--principal-type is User, Group or ServicePrincipal' ;; esac
[ -n "$region" ] || refuse 2 '--region is missing'
[[ $subscription =~ $guid ]] || refuse 2 '--subscription is not a subscription id'
[ -z "$principal" ] || [[ $principal =~ $guid ]] || refuse 2 '--principal is not an object id'
account=${account:-stehrpulumi$geography}
vault=${vault:-kv-ehr-pulumi-$geography}
[[ $account =~ ^[a-z0-9]{3,24}$ ]] || refuse 2 "storage account $account: 3 to 24 lower-case letters and digits"
[[ $vault =~ ^[a-zA-Z](-?[a-zA-Z0-9]){2,23}$ ]] && [ ${#vault} -le 24 ] || refuse 2 "vault $vault: 3 to 24 letters, digits and single hyphens"

# The table the stacks' own configuration is checked with: state never lies outside the geography.
python3 - "$(dirname "$0")/../infra/ehr_infra/data/regions.json" "$region" "$geography" <<'PYTHON' || exit 2
import json, sys

file, name, geography = sys.argv[1:]
with open(file, encoding="utf-8") as table:
    region = json.load(table)["regions"].get(name)
if region is None:
    sys.exit(f"bootstrap_state.sh: {name} is no region of infra/ehr_infra/data/regions.json")
if region["geography"] != geography:
    sys.exit(f"bootstrap_state.sh: {name} lies in geography {region['geography']}, not {geography}")
if not region["zones"]:
    sys.exit(f"bootstrap_state.sh: {name} has no availability zones, and the state is kept zone redundant")
PYTHON

command -v az >/dev/null || refuse 1 'az is not installed: https://learn.microsoft.com/cli/azure/install-azure-cli'
signed_in=$(az account show --query id --output tsv) || refuse 1 'az is not signed in: az login'
[ "${signed_in,,}" = "${subscription,,}" ] ||
  refuse 1 "az is signed in to subscription $signed_in, not $subscription: az account set --subscription $subscription"

if [ -z "$principal" ]; then
  principal=$(az ad signed-in-user show --query id --output tsv) ||
    refuse 1 'nobody is signed in as a person: give --principal and --principal-type'
fi

change() { # a command of az that changes something
  if $dry_run; then
    printf 'az'
    printf ' %q' "$@"
    printf '\n'
  else
    echo "… az $1 $2 ${3:-}" >&2
    az "$@" --subscription "$subscription" --output none
  fi
}

readonly container=pulumi-state-$environment key=pulumi-$environment
readonly group=rg-ehr-pulumi-$geography
readonly scope=/subscriptions/$subscription/resourceGroups/$group/providers
readonly vault_id=$scope/Microsoft.KeyVault/vaults/$vault
readonly container_id=$scope/Microsoft.Storage/storageAccounts/$account/blobServices/default/containers/$container
tags=(app=teams-ehr-connector geography="$geography" managedBy=bootstrap_state)

change group create --name "$group" --location "$region" --tags "${tags[@]}"

change storage account create --name "$account" --resource-group "$group" --location "$region" --tags "${tags[@]}" \
  --kind StorageV2 --sku Standard_ZRS --min-tls-version TLS1_2 --https-only true --allow-blob-public-access false \
  --allow-shared-key-access false --allow-cross-tenant-replication false
change storage account blob-service-properties update --account-name "$account" --resource-group "$group" \
  --enable-versioning true --enable-delete-retention true --delete-retention-days "$KEPT_DAYS" \
  --enable-container-delete-retention true --container-delete-retention-days "$KEPT_DAYS"
change storage container-rm create --name "$container" --storage-account "$account" --resource-group "$group" \
  --public-access off

# `keyvault create` refuses a name that is there, also one that lies in the bin for its ninety days.
if ! az keyvault show --name "$vault" --resource-group "$group" --subscription "$subscription" --output none 2>/dev/null; then
  change keyvault create --name "$vault" --resource-group "$group" --location "$region" --tags "${tags[@]}" --sku premium \
    --enable-rbac-authorization true --enable-purge-protection true --retention-days "$VAULT_KEPT_DAYS"
fi
# Through Resource Manager: it makes the key's first version or leaves the one that is there, and needs no data role.
change rest --method put --url "https://management.azure.com$vault_id/keys/$key?api-version=$VAULT_API" \
  --headers Content-Type=application/json \
  --body '{"properties":{"kty":"RSA-HSM","keySize":3072,"keyOps":["encrypt","decrypt","wrapKey","unwrapKey"]}}'

grant() { # role, scope: as narrow as it goes
  change role assignment create --assignee-object-id "$principal" --assignee-principal-type "$principal_type" \
    --role "$1" --scope "$2"
}
grant 'Storage Blob Data Contributor' "$container_id"
grant 'Key Vault Crypto User' "$vault_id/keys/$key"

cat <<TEXT

# for $geography-$environment
export PULUMI_BACKEND_URL='azblob://$container?storage_account=$account'
export AZURE_KEYVAULT_AUTH_VIA_CLI=true
pulumi stack init $geography-$environment --secrets-provider='azurekeyvault://$vault.vault.azure.net/keys/$key'
TEXT
