"""Conformance: fifteen checks that a partner's own receiver takes our webhooks as it should, run by machine."""
