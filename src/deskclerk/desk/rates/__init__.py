"""How fast an instance may be asked: the rate budget that all processes share, and Clerk's caps on writes."""
