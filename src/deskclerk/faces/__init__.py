"""WHO asks: each face reads the catalogue and calls the desk, and holds no rules of its own.

A room for each; beside them what two of them share. What comes in is somebody's request, what goes out is
what the desk lets them see.
"""
