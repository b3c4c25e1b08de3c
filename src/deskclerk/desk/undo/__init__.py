"""How a journalled write is taken back: its inverse, or an honest no."""

from deskclerk.desk.undo.inverse import Inverse, inverse
from deskclerk.desk.undo.undoing import Found, Undoing

__all__ = ["Found", "Inverse", "Undoing", "inverse"]
