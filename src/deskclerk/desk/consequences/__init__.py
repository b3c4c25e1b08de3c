"""What the desk knows about a write beyond its declaration, one module per resource of the catalogue.

What it switches, how far it reaches, whether it can be taken back, what proves after a lost answer that it
happened, and what takes it back. `default.py` is right for every action without an entry; nothing about a
single action stands anywhere else in the desk. Rules only: no plan, signature or record is made here.
"""
