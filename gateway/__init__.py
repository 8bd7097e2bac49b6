"""The application: everything that does something."""
