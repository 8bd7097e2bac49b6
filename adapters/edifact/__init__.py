"""UN/EDIFACT orders: one engine, and a guideline as data for each partner's profile of the standard."""
