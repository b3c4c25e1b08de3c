"""The programs that ask at a hosted desk: OAuth clients and holders of a workspace's own tokens."""
