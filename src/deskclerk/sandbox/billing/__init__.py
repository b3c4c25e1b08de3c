"""Billing without a payment provider: plans and their prices, who is on which, credits; nothing is charged.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
