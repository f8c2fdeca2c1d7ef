"""Starts Microsoft Teams virtual visits from inside the EHR and reports who connected."""
