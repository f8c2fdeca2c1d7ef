"""`pulumi up` runs this."""

from ehr_infra.program import deploy

deploy()
