"""WHETHER and in what form: the one path from a face to Clerk."""

from deskclerk.desk.caller import Approver, Caller, Decision, Signature
from deskclerk.desk.desk import Desk
from deskclerk.desk.plan import Change, Plan
from deskclerk.desk.view import Answer

__all__ = ["Answer", "Approver", "Caller", "Change", "Decision", "Desk", "Plan", "Signature"]
