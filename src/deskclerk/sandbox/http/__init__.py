"""From a request to a handler and back: parameters, API versions, errors, paging, limits and faults.

What Clerk's API looks like is here; what it means is in the rooms of rules, whose handlers `routes.py` lists.
"""
