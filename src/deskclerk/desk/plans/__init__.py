"""What a write will change, in words and as data, and where it waits until a person has signed it.

A plan is drawn up from the action, its consequences and the target as it is now; it is stored, and used up
once. Who may sign it, and how, is the approvals' concern.
"""
