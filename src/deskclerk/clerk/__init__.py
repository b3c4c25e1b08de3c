"""HOW it reaches Clerk: one client with its key, what may be tried again, and what an answer means.

An action comes in and makes its own request; a decoded answer or one of our errors goes out. Nothing here
knows who asks, or whether they may.
"""
