"""Where users are signed in, on which clients, and how that ends.

Tokens that prove a session are made in `tokens/`.
"""
