"""Checkpoints: what a partner's sandbox holds at a moment is kept, and a reset may lead back to it."""
