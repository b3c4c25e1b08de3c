"""Organizations: memberships, invitations, roles, permissions, domains and settings.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
