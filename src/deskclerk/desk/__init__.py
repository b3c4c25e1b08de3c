"""WHETHER and in what form: the one path from a face to Clerk.

Faces come in through `Desk` and the parts that it shows (journal, plans, signer, …). The rooms below form no
circle: view and instances at the bottom, then journal, consequences, plans, approvals, execution and undo.
"""

from deskclerk.clerk.redaction import taking_out
from deskclerk.clerk.retry import tell_of_retries
from deskclerk.desk.approvals.signatures import Approver, Decision, Signature
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.changes import Change
from deskclerk.desk.desk import Desk
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.view.answers import Answer

__all__ = [
    "Answer",
    "Approver",
    "Caller",
    "Change",
    "Decision",
    "Desk",
    "Plan",
    "Signature",
    "taking_out",
    "tell_of_retries",
]
