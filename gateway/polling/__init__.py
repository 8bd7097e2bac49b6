"""Partners who do not call us: we ask, page by page, and what they have for us comes in like at any other door."""
