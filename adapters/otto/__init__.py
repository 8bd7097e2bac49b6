"""OTTO Market: orders that we fetch, and what became of each position item back as calls of its API."""
