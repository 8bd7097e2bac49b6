"""Where partners manage the places we call: an API over `webhooks`."""
