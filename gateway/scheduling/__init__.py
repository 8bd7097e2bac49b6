"""When a visit may be: free windows, and windows kept for an order to come."""
