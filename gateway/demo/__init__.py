"""The demo: a play in one act about two orders, told through nothing but the public API.

It is also the shortest example of a partner's side: `caller.py` gets a token and talks, `receiver.py` listens and
verifies with the standard library alone.
"""
