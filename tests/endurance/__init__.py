"""Many clients for a while, several desks on one database, and what a machine can do to a database."""
