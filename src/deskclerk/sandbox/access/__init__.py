"""Who may get in: invitations, the waitlist, allow-list and block-list, redirect URLs.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
