"""deskclerk before the referees of the protocol: its conformance suite, its Inspector, its TypeScript SDK."""
