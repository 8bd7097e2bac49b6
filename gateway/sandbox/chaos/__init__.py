"""Chaos: disturbances that a sandbox key asks for, each with a bounded life, and each marked as what it is."""
