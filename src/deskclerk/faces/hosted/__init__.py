"""The face of a hosted desk: what is served to many workspaces at once."""
