"""The desk's tables. A change here needs a migration beside it, in `migrations/versions`."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("entry", String(40), nullable=False),
    Column("instance", String(32), nullable=False),
    Column("face", String(16), nullable=False),
    Column("client", Text),
    Column("token", Text),
    Column("action", String(64), nullable=False),
    Column("effect", String(16), nullable=False),
    Column("target", Text),
    Column("arguments", JSON, nullable=False),
    Column("plan", String(40)),
    Column("signed", Text),
    Column("outcome", String(32)),
    Column("status", Integer),
    Column("code", Text),
    Column("trace_id", Text),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("undoes", String(40)),
    Column("note", Text),
    Column("owner", String(40)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("job", String(40)),
    Index("events_by_entry", "entry"),
    Index("events_by_time", "at"),
    Index("events_by_action", "instance", "action", "at"),
    Index("events_by_job", "job", "seq"),
)
"""What was asked, decided and done, in order; rows are added and never changed.

`kind` is `intent` and `outcome` (a write, the same `entry`), `settled` (an outcome that a later process
found out by reading), `read`, `refused`, or `decided` (a signature or a no from outside the call that
asked); `at` is in milliseconds since the epoch. `target` is the ids in the path, `/` between them. An
intent keeps `before`, what the desk saw of the target (without secrets); an outcome `after`, what Clerk
answered.
`undoes` names the entry that a write takes back, `owner` the process that an intent belongs to.
`job` is the job whose item a write is.
`hash` covers the row and the hash of the row before it (see `chain.py`).
"""

heads = Table(
    "heads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the number and the hash of the last event, so that a missing end is noticed.

Whoever appends locks it, so that several processes keep one chain.
"""

plans = Table(
    "plans",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("instance", String(32), nullable=False),
    Column("face", String(16), nullable=False),
    Column("client", Text),
    Column("action", String(64), nullable=False),
    Column("token", Text),
    Column("digest", String(64), nullable=False),
    Column("request", String(64), nullable=False),
    Column("preview", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("how", Text),
    Column("decided_at", BigInteger),
    Column("person", String(40)),
    Index("plans_by_status", "status", "created_at"),
    Index("plans_by_request", "request"),
)
"""Writes that wait, or waited, for a signature.

`status` goes from `waiting` to `signed` to `used`, or ends as `declined`, `dismissed` (what was shown is
no longer so) or `expired`. `digest` binds action, arguments, instance and target; `request` all but the
target. `person` is the id of the signed-in person who asked, where the desk knows people.
"""

signer = Table(
    "signer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
)
"""One row: the digest of the PIN that signatures want, if there is one, and its wrong tries."""

consoles = Table(
    "consoles",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("instance", String(32), nullable=False),
    Column("url", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
)
"""`id` is the name of the lock that the console's process holds as long as it lives."""

console_links = Table(
    "console_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("plan", String(40)),
)
"""One row for each link that nobody has used yet; a link with a `plan` opens that plan and nothing else."""

rate_usage = Table(
    "rate_usage",
    metadata,
    Column("instance", String(32), primary_key=True),
    Column("usage", Text, nullable=False),
    # Clerk counts by its instance, whoever has the key: so many workspaces as may have it share one row.
    info={"shared": True},
)
"""One row for each instance: what was sent in the last ten seconds, as JSON (see `clerk/rate_budget.py`)."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("instance", String(32), nullable=False),
    Column("face", String(16), nullable=False),
    Column("client", Text),
    Column("token", Text),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("plan", String(40)),
    Column("digest", String(64), nullable=False),
    Column("total", Integer, nullable=False),
    Column("options", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("reason", Text),
    Column("run", Integer, nullable=False),
    Column("owner", String(80)),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("jobs_by_status", "status", "created_at"),
)
"""Many writes under one signature, or a long export; see `desk/jobs/job.py` for what the columns hold.

`status` goes from `planned` to `queued` to `running`, from there to `paused` and back to `queued`, and ends
as `done` or `cancelled`; `wanted` is what a person wants of it (`run`, `pause`, `cancel`), `reason` why it
paused. `run` counts how often it was set going, `owner` is the run that may write now.
"""

job_items = Table(
    "job_items",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("action", String(64), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("secrets", JSON(none_as_null=True)),
    Column("name", Text, nullable=False),
    Column("line", Integer),
    Column("target", String(64)),
    Column("undoes", String(40)),
    Column("status", String(16), nullable=False),
    Column("entry", String(40)),
    Column("made", Text),
    Column("error", Text),
    Index("job_items_by_status", "job", "status", "number"),
)
"""One write of a job. `secrets` are those of its arguments, kept apart and only until it is over.

`line` is its line in the file that it came from, `target` the digest of what a signature was given for,
`undoes` the entry that it takes back; `entry` is its entry in the journal, `made` the id of what it made.
"""

notifications = Table(
    "notifications",
    metadata,
    Column("subject", String(80), primary_key=True),
    Column("destination", String(80), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", String(16)),
    Column("error", Text),
    Index("notifications_by_destination", "destination", "created_at"),
)
"""What was told to whom, kept for a month: of each subject (a plan, a pause of a job) once.

`destination` is a name or a number, never an address. `outcome` is `delivered`, `failed` (`error` says why)
or `not needed`; none while it is under way, or if its process was killed.
"""
