"""How a request that may be sent is carried out: read, written, and found out about when its answer is lost.

What comes in here is allowed and, where it has to be, signed; from here on the journal knows of it.
"""
