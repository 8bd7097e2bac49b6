"""Drop folders: a partner lays files into `in/`, and finds our answers in `out/` and what was wrong in `error/`."""
