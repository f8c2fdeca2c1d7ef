from tests.conformance.mock_fhir.ehr_driver import ehr, ehr_app, production

__all__ = ["ehr", "ehr_app", "production"]
