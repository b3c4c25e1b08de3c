"""The instance itself: its settings, its domains, and the addresses that follow from them.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
