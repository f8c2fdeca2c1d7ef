"""The rules of `ehr_infra.rules` as a CrossGuard policy pack."""
