"""Raw message in, jobs out."""
