"""The sandbox's database: one table for each kind of thing, and the transactions that reach them.

A module of tables per area, and `tables.py` with all of them; `state.py` is what the controls have set. No
rule of Clerk's stands here but what an index keeps.
"""
