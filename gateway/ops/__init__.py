"""For whoever runs it: health and metrics."""
