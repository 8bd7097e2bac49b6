"""The support job: its lifecycle, its events, and how both are asked for."""
