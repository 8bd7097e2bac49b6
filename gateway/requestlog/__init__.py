"""What sandbox credentials asked and were answered: written down beside the requests, with no person in it."""
