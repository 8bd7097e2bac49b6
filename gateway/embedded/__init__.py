"""PostgreSQL and Redis for one machine, when no URL is given: the wheels' servers, with their data in one folder."""
