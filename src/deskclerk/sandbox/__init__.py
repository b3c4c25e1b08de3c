"""A LOCAL CLERK: the Backend API on a small database, so that everything works without a key.

How a request goes: `admission` (key, API version) → `app` (route, transaction) → `parameters` (checked
against the catalogue) → a handler → `refusals` for what cannot be done.

To add a resource:
1. its table in `store/<resource>.py`, listed in `store/tables.py`, and a migration in
   `store/migrations/versions` (a test compares the two);
2. `<resource>.py` with one `async def …(call: Call)` per route that returns the answer's JSON, and at its
   end `HANDLERS`; the module is listed in `handlers.py`. A route that no action uses stands there as an
   `Operation` that declares what it accepts. `sessions.py` is a short one to copy: `rows` reads and
   changes rows of the call's instance, `paging.page` answers lists, `call.emit` tells webhooks;
3. new error codes in `refusals.STATUS`; a rule raises what `refusals` makes.
GET handlers run in a transaction that only reads; all others hold the write lock: slow work goes into
`Prepared`. `call.query` and `call.body` hold only what was given, checked; times are milliseconds.
"""

from deskclerk.sandbox.opening import KEY, Sandbox, open_sandbox

__all__ = ["KEY", "Sandbox", "open_sandbox"]
