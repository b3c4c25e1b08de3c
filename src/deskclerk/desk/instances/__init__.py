"""Which Clerk instance is meant: the one in force, and those that the settings file knows.

Opening the way to an instance, trying a key and editing the settings file are here; what may be asked of an
instance is policy.
"""
