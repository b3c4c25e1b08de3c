"""MANY customers on one desk: workspaces, their members and keys, and the agents that come to them.

Only what starts a hosted desk imports this room. It needs the extra `hosted`.
"""
