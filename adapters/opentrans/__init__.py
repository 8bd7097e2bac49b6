"""openTRANS 2.1, as Swiss retailers write it (Competec's profile, with Galaxus' cancellation documents)."""
