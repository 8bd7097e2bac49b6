"""Doors without OAuth: a basic password, a shop's signature, a poll, a drop folder. Each is a row of one partner."""
