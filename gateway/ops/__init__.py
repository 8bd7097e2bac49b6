"""For whoever runs it: health."""
