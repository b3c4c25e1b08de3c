"""Workspaces: what each has of members, instances and rules, and the desks that are opened for them."""
