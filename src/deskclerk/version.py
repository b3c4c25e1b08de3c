"""The version of deskclerk; alone, so that whoever needs it imports nothing else."""

__version__ = "0.1.0"
