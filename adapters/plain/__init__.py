"""The JSON that Stecker speaks itself, at `/v1/orders` and at the doors of partners without a dialect."""
