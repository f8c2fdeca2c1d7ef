"""An EHR for testers: SMART authorization server, FHIR R4, clinician screens, integration records, write-back.

Shaped like Epic where Epic differs from SMART (token response, write-back, integration records). Two environments,
test and production, with data, keys and clients of their own. Start: `python -m mock_fhir --help`.
"""
