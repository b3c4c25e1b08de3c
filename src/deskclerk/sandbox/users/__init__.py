"""Users: their fields, identifiers, contacts, passwords and second factors, and how lists of them are found.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
