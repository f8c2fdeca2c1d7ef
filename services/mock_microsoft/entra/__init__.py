"""Microsoft Entra ID: discovery, authorization code with PKCE, device code, client credentials, admin consent, sign-out."""
