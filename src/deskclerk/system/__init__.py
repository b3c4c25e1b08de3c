"""What differs between Linux, macOS and Windows: a module for each idea, and nothing of it elsewhere."""
