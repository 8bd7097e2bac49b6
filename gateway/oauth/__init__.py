"""OAuth 2.0: clients and their secrets, the token endpoint, signing keys, and the check of each request's token."""
