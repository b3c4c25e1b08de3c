"""Secrets by a way around the model: references that stand for them, hand-overs, files only a person reads.

A model says `secret:NAME` and is told where a once-shown secret waits; the values pass between Clerk, this
room and the person.
"""
