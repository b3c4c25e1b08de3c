"""What e-mails and text messages say; none is sent.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction.
"""
