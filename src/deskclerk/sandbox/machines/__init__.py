"""Machines that call each other, the tokens with which they do, and API keys.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
