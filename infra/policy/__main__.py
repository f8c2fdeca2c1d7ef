"""The pack as a process: `pulumi up --policy-pack infra/policy`, or `infra/policy/run` without a
language host. It prints its port and serves until the engine ends it, so it does nothing on import.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

    from pulumi_policy import EnforcementLevel, PolicyPack

    from policy.pack import policies

    PolicyPack("teams-ehr-connector", policies(), EnforcementLevel.MANDATORY)
