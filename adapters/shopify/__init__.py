"""Shopify: orders as webhooks tell them, and what became of each visit back as calls of the Admin API."""
