"""What a person may ask of us: what we know of them, and its end."""
