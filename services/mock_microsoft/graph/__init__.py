"""Microsoft Graph: the same shapes under /v1.0 and /beta, application permissions only."""
