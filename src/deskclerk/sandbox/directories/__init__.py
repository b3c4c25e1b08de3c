"""Directories: what an identity provider keeps users up to date with, and the roles that groups in it give.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
