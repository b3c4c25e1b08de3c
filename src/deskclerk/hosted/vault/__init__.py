"""Keys and secrets of a hosted desk: what is sealed in its database opens with the vault key alone.

Each workspace has a data key, which seals its secrets; the data keys stand in the database too, wrapped by
the vault key, which never does.
"""
