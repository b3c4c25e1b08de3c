"""How a journalled write is taken back: its inverse, or an honest no."""

from deskclerk.desk.undo.inverse import Inverse, inverse
from deskclerk.desk.undo.undoing import Undoing, noting

__all__ = ["Inverse", "Undoing", "inverse", "noting"]
