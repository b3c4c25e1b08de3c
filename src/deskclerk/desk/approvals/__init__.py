"""How a write gets a person's signature: in the client's dialogue, at a terminal, or in the console.

`signing.py` is the way of one call; decisions from outside of it, the signer's PIN and the console's one-time
links stand beside it. No argument of an action reaches this room as a decision.
"""
