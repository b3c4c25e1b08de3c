"""How a journalled write is taken back: the engine alone.

What the inverse of a write is stands in `consequences/`; here it is found out whether the entry can be taken
back at all, and put into words what cannot.
"""
