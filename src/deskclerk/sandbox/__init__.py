"""A LOCAL CLERK: the Backend API on a small database, so that everything works without a key.

How a request goes: `http/admission` (key, API version) → `http/app` (route, transaction) → `http/parameters`
(checked against the catalogue) → a handler in the room of its area → `http/errors` for what cannot be done.

To add a resource:
1. its table in the module of its area in `store/`, listed in `store/tables.py`, and a migration in
   `store/migrations/versions` (a test compares the two);
2. a module in the room of its area with one `async def …(call: Call)` per route that returns the answer's
   JSON, and at its end `HANDLERS` by route; the module is listed in `http/routes.py`. What a route accepts
   is what its action in the catalogue declares. `sessions/clients.py` is a short one to copy:
   `http/rows` reads, changes and pages rows of the call's instance, `call.emit` tells webhooks;
3. new error codes in `http/errors.py`; a rule raises what its functions make.
GET handlers run in a transaction that only reads; all others hold the write lock: slow work goes into
`Prepared`. `call.query` and `call.body` hold only what was given, checked; times are milliseconds.
"""

from deskclerk.sandbox.opening import Sandbox, open_sandbox
from deskclerk.sandbox.store.state import KEY

__all__ = ["KEY", "Sandbox", "open_sandbox"]
