"""The sandbox: a job's whole life at a partner's fingertips, by the same code and on rows of its own."""
