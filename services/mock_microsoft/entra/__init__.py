"""Microsoft Entra ID: discovery, authorization code with PKCE, client credentials, admin consent, sign-out."""
