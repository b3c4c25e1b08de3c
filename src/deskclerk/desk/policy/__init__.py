"""Whether a caller may ask for an action, how much may be destroyed in an hour, and what has to be signed.

Only settings, the caller and the journal's counts decide; nothing here asks a person.
"""
