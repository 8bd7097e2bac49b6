"""One history of the schema, over the gateway's tables and those of webhooks."""
