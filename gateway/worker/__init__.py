"""Workers: woken through RQ, they deliver what the database says is due."""
