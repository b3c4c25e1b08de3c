"""For how long a hosted desk keeps things: journals that are cut off, workspaces that are taken out or go."""
