"""The sandbox's database: one table for each kind of thing, and the door to them."""
