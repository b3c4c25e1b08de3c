"""WHO asks: each face reads the catalogue and calls the desk, and holds no rules of its own."""
