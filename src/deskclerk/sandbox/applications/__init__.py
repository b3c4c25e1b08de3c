"""OAuth applications: who may sign users in through the instance.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
