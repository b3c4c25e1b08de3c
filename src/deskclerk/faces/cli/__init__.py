"""WHO asks: a person or a script on the command line.

A command is found when it is asked for, and imports what it needs then; what it does, the desk does.
"""
