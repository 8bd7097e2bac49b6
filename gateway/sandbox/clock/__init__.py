"""The test clock: a partner's sandbox stands still, and goes on as far as it is told, with all that falls due."""
