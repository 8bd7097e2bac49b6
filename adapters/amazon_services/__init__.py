"""Amazon's Services API (Selling Partner API): service jobs that we fetch, and how they go on as calls of its API."""
