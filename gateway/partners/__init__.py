"""Who may talk to us, in which dialect, with which options."""
