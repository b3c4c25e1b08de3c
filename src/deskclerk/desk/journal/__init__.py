"""The append-only record of everything asked, decided and done, and the desk's database that holds it.

Start at `journal.py`, what the other rooms call. Rows, their hash chain, queries, tables and migrations are
here and nowhere else; what a write means is not: the journal is told that in plain values.
"""
