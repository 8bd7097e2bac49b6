"""Signed webhook delivery: endpoints, mailboxes, attempts. Knows nothing of jobs, Flask or queues."""
