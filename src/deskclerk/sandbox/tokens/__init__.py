"""Everything that is signed: session tokens, tokens from JWT templates, sign-in, actor and testing tokens.

Keys and signatures are made in `signing.py`; the rest says what a token holds and when it is good.
"""
