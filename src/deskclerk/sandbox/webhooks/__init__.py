"""Webhooks as Clerk sends them, through Svix: an outbox in the database, and what empties it.

A handler's `call.emit` → `outbox` writes message and deliveries in the same transaction → `delivery` sends
them, signed, once it is committed, until the endpoint takes them or tries run out.
"""
