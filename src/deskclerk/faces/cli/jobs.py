"""`deskclerk bulk`, `changes`, `export`, `import` and `jobs`: many writes under one signature, long reads."""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.actions import refuse_plain_secrets
from deskclerk.faces.cli.commands import Ordered, yes_option
from deskclerk.faces.cli.failures import DONE, FAILED
from deskclerk.faces.cli.options import JsonText
from deskclerk.faces.cli.state import State, json_option

if TYPE_CHECKING:
    from deskclerk.desk import Desk, Plan
    from deskclerk.desk.jobs.job import Job

_MOST_PROBLEMS = 1_000
"""Lines that are printed of what is wrong with a file."""
_CALLER = "cli"


class Pair(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two, apart."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is no NAME=VALUE", param, ctx)
        return name.strip().replace("-", "_") if param and param.name != "mapping" else name, rest


def _watching(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that sets a job going."""
    for option in (
        click.option(
            "--detach", is_flag=True, help="Do not wait for its end: `deskclerk jobs watch` shows it."
        ),
        click.option("--dry-run", is_flag=True, help="Show what it would do, and do nothing."),
        click.option("--skip-invalid", is_flag=True, help="Leave wrong rows out instead of refusing all."),
        click.option(
            "--stop-after", type=click.IntRange(1), default=10, help="Pause after so many failures in a row."
        ),
        click.option(
            "--stop-percent", type=click.FloatRange(0, 100), default=5.0, help="Pause when more failed."
        ),
    ):
        command = option(command)
    return command


@click.command(params=[json_option(), yes_option()])
@click.argument("resource", metavar="RESOURCE")
@click.argument("verb", metavar="VERB")
@click.argument("targets", nargs=-1, metavar="[ID…]")
@click.option(
    "--where", type=Pair(), multiple=True, help="A filter of the list that finds them; once for each."
)
@click.option("--everything", is_flag=True, help="All that there are, without a filter.")
@click.option(
    "--from", "source", type=click.Path(dir_okay=False, path_type=Path), help="A file of ids, CSV or NDJSON."
)
@click.option(
    "--map", "mapping", type=Pair(), multiple=True, help="COLUMN=PARAMETER; with nothing behind =: skip it."
)
@click.option("--set", "values", type=Pair(), multiple=True, help="An argument that is the same for each.")
@_watching
@click.pass_context
def bulk(
    ctx: click.Context,
    /,
    resource: str,
    verb: str,
    targets: tuple[str, ...],
    *,
    where: tuple[tuple[str, str], ...],
    source: Path | None,
    mapping: tuple[tuple[str, str], ...],
    values: tuple[tuple[str, str], ...],
    everything: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Carry out one write on many things, under one signature.

    The things are those that a list finds (--where), ids or users' addresses on the command line, or the rows
    of a file whose columns are the write's parameters (--from).

    deskclerk bulk users ban --where query=@spam.example
    """
    from deskclerk.faces.cli.commands import resources  # noqa: PLC0415 - help needs no catalogue

    kinds = {action.spec.verb: action for action in resources().get(resource, [])}
    if verb not in kinds:
        names = ", ".join(kinds or resources())
        what = "verb" if kinds else "resource"
        raise click.UsageError(
            f"There is no {what} {verb if kinds else resource!r} (there are: {names}).", ctx
        )
    given = [bool(where) or everything, bool(targets), bool(source)]
    if sum(given) != 1:
        raise click.UsageError(
            "Say what it is about in one way: --where or --everything, ids, or --from FILE.", ctx
        )
    kind = kinds[verb]
    if mapping and not source:
        raise click.UsageError("--map names columns of a file: give it with --from.", ctx)
    twice = [name for name, times in Counter(name for name, _ in values).items() if times > 1]
    if twice:
        raise click.UsageError(f"--set {twice[0]} is given twice; one value is the same for each.", ctx)
    refuse_plain_secrets(ctx, kind, dict(values), "give it in a file")

    async def propose(desk: "Desk") -> "Plan":
        wish = _wish(options, dict(values))
        caller = _caller()
        if source:
            from deskclerk.desk.jobs.import_formats import read_rows  # noqa: PLC0415

            rows = read_rows(source, kind.parameters(), dict(mapping) or None, dict(values))
            return await desk.jobs.propose(kind, rows, caller, wish=wish)
        if targets:
            return await desk.jobs.propose(kind, list(targets), caller, wish=wish)
        lister = await desk.jobs.lister(kind, _gathered(where), dict(values), caller)
        return await desk.jobs.propose(kind, lister, caller, wish=wish)

    return asyncio.run(_carry_out(ctx.ensure_object(State), propose, yes=yes, **options))


@click.command(params=[json_option(), yes_option()])
@click.argument("steps", metavar="[JSON|-|@FILE]", default=None, required=False)
@click.option(
    "--plan", "plans", multiple=True, metavar="ID", help="What waits as this plan; once for each, in order."
)
@click.option("--without", default="", metavar="NUMBERS", help="Leave these steps out, such as 2,5.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--dry-run", is_flag=True, help="Show what it would do, and do nothing.")
@click.pass_context
def changes(
    ctx: click.Context,
    /,
    steps: Any,
    plans: tuple[str, ...],
    without: str,
    *,
    yes: bool,
    detach: bool,
    dry_run: bool,
) -> int:
    """Carry out different writes in order, under one signature.

    The steps are a JSON list of {"action": NAME, "arguments": {…}}; a value "$1.id" is the id that step 1
    makes. The first step that fails stops the rest. With --plan they are what waits for a signature.
    """
    from deskclerk.catalogue import BY_NAME  # noqa: PLC0415 - help needs no catalogue
    from deskclerk.desk.jobs.requests import Change  # noqa: PLC0415
    from deskclerk.faces.cli.approvals import step_numbers  # noqa: PLC0415

    if (steps is None) is not bool(plans):
        raise click.UsageError("Give the steps, or --plan for each that waits.", ctx)
    numbers, typed = step_numbers(ctx, without), steps or "[]"
    steps = JsonText().convert(typed, None, ctx)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise click.UsageError('The steps are a JSON list of {"action": NAME, "arguments": {…}}.', ctx)
    found = []
    for number, step in enumerate(steps, 1):
        kind = BY_NAME.get(str(step.get("action")))
        if (
            kind is None
            or step.keys() - {"action", "arguments"}
            or not isinstance(step.get("arguments", {}), dict)
        ):
            raise click.UsageError(f"Step {number} is no known action with its arguments.", ctx)
        arguments = step.get("arguments", {})
        if not typed.startswith(("@", "-")):
            refuse_plain_secrets(ctx, kind, arguments, "pass the steps as @FILE or -")
        found.append(Change(kind, arguments))

    async def propose(desk: "Desk") -> "Plan":
        plan = await (
            desk.jobs.propose_together(plans, _caller(), keep=dry_run)
            if plans
            else desk.jobs.propose_changes(found, _caller())
        )
        return await desk.jobs.strike(plan.id, numbers) if numbers else plan

    return asyncio.run(_carry_out(ctx.ensure_object(State), propose, yes=yes, detach=detach, dry_run=dry_run))


@click.command("export", params=[json_option()])
@click.argument("what")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path), help="The file that it writes.")
@click.option("--where", type=Pair(), multiple=True, help="A filter of its list; once for each.")
@click.option("--fields", default="", metavar="NAMES", help="Keys or paths, separated by commas; else all.")
@click.option("--format", "form", type=click.Choice(["ndjson", "csv"]), help="Else as the file's name says.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.pass_context
def export(
    ctx: click.Context,
    /,
    what: str,
    *,
    file: Path,
    where: tuple[tuple[str, str], ...],
    fields: str,
    form: str | None,
    detach: bool,
) -> int:
    """Write all there is of a kind into a file: users, organizations, memberships, invitations, … everything.

    It goes on where it was when its process is killed, and loses or doubles nothing.
    """
    state = ctx.ensure_object(State)
    chosen = form or ("csv" if file.suffix == ".csv" else "ndjson")

    async def run() -> int:
        async with state.desk() as desk:
            job = await desk.jobs.export(
                what,
                file.absolute(),  # noqa: ASYNC240 - no I/O
                _caller(),
                where=_gathered(where),
                fields=[name.strip() for name in fields.split(",") if name.strip()] or None,
                format=chosen,
            )
            return await _follow(state, desk, job, detach=detach)

    return asyncio.run(run())


@click.command("import", params=[json_option(), yes_option()])
@click.argument("what", type=click.Choice(["users", "organizations"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", metavar="NAME", help="Whose export it is; else it is found out.")
@click.option(
    "--map", "mapping", type=Pair(), multiple=True, help="COLUMN=PARAMETER; with nothing behind =: skip it."
)
@click.option(
    "--update-existing",
    is_flag=True,
    help="Bring users who are there already to what their row says, instead of leaving them out.",
)
@click.option("--firebase-hash", type=JsonText(), help="The project's hash parameters, as JSON or @FILE.")
@_watching
@click.pass_context
def import_(
    ctx: click.Context,
    /,
    what: str,
    file: Path,
    *,
    form: str | None,
    mapping: tuple[tuple[str, str], ...],
    firebase_hash: Any,
    update_existing: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Make users, or organizations with their members, from a file, under one signature.

    The file is an export of Clerk's dashboard, Auth0, Firebase, Supabase, Cognito or Better Auth as it is, or
    CSV or NDJSON whose columns are parameters.
    """

    async def propose(desk: "Desk") -> "Plan":
        return await desk.jobs.propose_import(
            what,
            file,
            _caller(),
            form=form,
            mapping=dict(mapping),
            update_existing=update_existing,
            firebase_hash=firebase_hash,
            wish=_wish(options, {}),
        )

    return asyncio.run(_carry_out(ctx.ensure_object(State), propose, yes=yes, **options))


jobs = Ordered(
    "jobs", help="Jobs: many writes under one signature, and long exports.", short_help="list, show, watch, …"
)


def _command(name: str, text: str, work: Callable[..., Awaitable[int]], *params: click.Parameter) -> None:
    @click.pass_context
    def command(ctx: click.Context, /, **given: Any) -> int:
        return asyncio.run(work(ctx.ensure_object(State), **given))  # type: ignore[arg-type]

    jobs.add_command(click.Command(name, params=[*params, json_option()], callback=command, help=text))


def _job_id() -> click.Argument:
    return click.Argument(["job_id"], metavar="JOB")


async def _list(state: State, limit: int) -> int:
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415 - help needs no desk

    async with state.desk() as desk:
        await desk.jobs.look_after()
        found = [job.as_dict() for job in await desk.jobs.listed(limit)]
    if not state.tables:
        print_lines(found)
    elif found:
        _draw(found)
    else:
        state.note("There are no jobs.")
    return DONE


async def _show(state: State, job_id: str) -> int:
    from deskclerk.faces.cli.output import show_object  # noqa: PLC0415

    async with state.desk() as desk:
        value = await _told(desk, await desk.jobs.store.load(job_id))
    show_object(state, value)
    return DONE


async def _watch(state: State, job_id: str) -> int:
    async with state.desk() as desk:
        await desk.jobs.look_after()
        return await _follow(state, desk, await desk.jobs.store.load(job_id), detach=False)


async def _pause(state: State, job_id: str) -> int:
    async with state.desk() as desk:
        job = await desk.jobs.pause(job_id, _caller())
    state.note(f"{job.title}: {job.state}.", style="yellow")
    return DONE


async def _cancel(state: State, job_id: str) -> int:
    async with state.desk() as desk:
        job = await desk.jobs.cancel(job_id, _caller())
    state.note(f"{job.title}: {job.state}. What is done stays done.", style="yellow")
    return DONE


async def _resume(state: State, job_id: str, *, yes: bool, detach: bool) -> int:
    from deskclerk.faces.cli.perform import person_wants  # noqa: PLC0415

    async with state.desk() as desk:
        job = await desk.jobs.store.load(job_id)
        reason = f" It paused: {job.reason}." if job.reason else ""
        await person_wants(desk, f"Go on with {job.title} ({job_id}).{reason}", "go on", yes=yes)
        job = await desk.jobs.resume(job_id, _caller())
        return await _follow(state, desk, job, detach=detach)


async def _retry(state: State, job_id: str, *, yes: bool, detach: bool) -> int:
    return await _carry_out(
        state, lambda desk: desk.jobs.propose_retry(job_id, _caller()), yes=yes, detach=detach
    )


async def _undo(state: State, job_id: str, *, yes: bool, detach: bool) -> int:
    return await _carry_out(
        state, lambda desk: desk.jobs.propose_undo(job_id, _caller()), yes=yes, detach=detach
    )


async def _work(state: State, *, until_idle: bool) -> int:
    import logging  # noqa: PLC0415 - only what works logs

    from deskclerk.desk.working import carry_out_jobs  # noqa: PLC0415

    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    await carry_out_jobs(state.settings(), until_idle=until_idle)
    return DONE


_detach = click.Option(["--detach"], is_flag=True, help="Do not wait for its end.")
_command(
    "list",
    "List the newest jobs.",
    _list,
    click.Option(["--limit"], type=click.IntRange(1, 1000), default=20, help="How many."),
)
_command("show", "Show a job: how far it has come, and what failed.", _show, _job_id())
_command("watch", "Follow a job to its end.", _watch, _job_id())
_command("pause", "Pause a job; what is under way ends first.", _pause, _job_id())
_command("resume", "Let a paused job go on.", _resume, _job_id(), _detach, yes_option())
_command("cancel", "End a job for good; what is done stays done.", _cancel, _job_id())
_command("retry", "Try again what failed in a job, as a new one.", _retry, _job_id(), _detach, yes_option())
_command("undo", "Take back what a job did, as a new one.", _undo, _job_id(), _detach, yes_option())
_command(
    "work",
    "Carry jobs out in this process; one is started by itself when a job is signed.",
    _work,
    click.Option(["--until-idle"], is_flag=True, help="End when there are no jobs left."),
)


def _caller() -> Any:
    from deskclerk.desk import Caller  # noqa: PLC0415 - help needs no desk

    return Caller(_CALLER)


def _wish(options: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    from deskclerk.desk.jobs.drafts import Wish  # noqa: PLC0415
    from deskclerk.desk.jobs.job import StopRules  # noqa: PLC0415

    stop = StopRules(options["stop_after"], options["stop_percent"])
    return Wish(values=values, stop=stop, skip_invalid=options["skip_invalid"])


def _gathered(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Filters by name; one that is given several times is a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[name] = value
    return found


async def _carry_out(
    state: State,
    propose: Callable[["Desk"], Awaitable["Plan"]],
    *,
    yes: bool,
    detach: bool = False,
    dry_run: bool = False,
    **_: Any,
) -> int:
    """Plan, have it signed, and follow it."""
    from deskclerk.errors import InvalidRequest  # noqa: PLC0415
    from deskclerk.faces.cli.perform import signing_desk, waiting  # noqa: PLC0415

    async with signing_desk(state, yes=yes) as desk:
        state.note("Finding and checking what it is about …")
        try:
            plan = await propose(desk)
        except InvalidRequest as error:
            _print_problems(state, error)
            raise
        if dry_run:
            return await _show_plan(state, desk, plan)
        job = await desk.jobs.run(plan, _caller(), approver=desk.approver, progress=waiting(state))
        return await _follow(state, desk, job, detach=detach)


def _print_problems(state: State, error: Any) -> None:
    """Every line that is wrong, where a person corrects a file; as JSON they are in the error."""
    if state.as_json or len(error.problems) <= 1:
        return
    for where, text in error.problems[:_MOST_PROBLEMS]:
        click.echo(f"{where}: {text}", err=True)
    more = len(error.problems) - _MOST_PROBLEMS
    if more > 0:
        click.echo(f"and {more} more", err=True)
    error.message = f"{len(error.problems):,} problems."


async def _show_plan(state: State, desk: "Desk", plan: "Plan") -> int:
    from deskclerk.desk import Decision, Signature  # noqa: PLC0415
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415
    from deskclerk.faces.cli.terminal_signature import show  # noqa: PLC0415

    stored = await desk.plans.load(plan.id)
    # It was only looked at: nobody can sign it by mistake later.
    await desk.sign(plan.id, Signature(Decision.DECLINED, "command line --dry-run"))
    if plan.job:
        await desk.jobs.store.forget(plan.job.id)
    if state.tables:
        show(plan, sys.stdout)
    else:
        print_lines([replace(stored, status="dry run").as_dict()])
    state.note("Nothing was done: this was a dry run.")
    return DONE


async def _follow(state: State, desk: "Desk", job: "Job", *, detach: bool) -> int:
    """Show a job's progress until it pauses or is over; its exit code."""
    from deskclerk.faces.cli.output import print_lines, show_object  # noqa: PLC0415

    if not detach:
        try:
            job = await _to_its_end(state, desk, job)
        except (asyncio.CancelledError, KeyboardInterrupt):
            state.note(f"The job goes on: `deskclerk jobs watch {job.id}` follows it.", style="yellow")
            return DONE
    value = await _told(desk, job)
    if state.tables:
        show_object(state, value)
    else:
        print_lines([value])
    if detach:
        state.note(f"It goes on by itself: `deskclerk jobs watch {job.id}` follows it.")
        return DONE
    failed = bool(value.get("failures")) or job.status != "done"
    return FAILED if failed else DONE


async def _told(desk: "Desk", job: "Job") -> dict[str, Any]:
    """A job as it is printed: how far it has come, what failed first, and where its result is."""
    value = job.as_dict()
    if failures := await desk.jobs.failures(job.id):
        value["failures"] = failures
    if desk.jobs.results(job.id).exists():
        value["result"] = str(desk.jobs.results(job.id))
    return value


async def _to_its_end(state: State, desk: "Desk", job: "Job") -> "Job":
    if not state.talks:
        return await desk.jobs.wait(job.id)
    from rich.progress import (  # noqa: PLC0415 - only where something is drawn
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from deskclerk.faces.cli.state import console  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
    )
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(job.title, total=job.all_of_it or None, rate="", failed="")

        async def tell(done: float, total: float, text: str) -> None:
            del text
            bar.update(task, completed=done, total=total or None)
            speed = bar.tasks[0].speed
            known = await desk.jobs.store.load(job.id)
            failed = sum(known.counts.get(name, 0) for name in ("refused", "unknown"))
            bar.update(
                task,
                rate=f"{speed:.0f}/s" if speed else "",
                failed=f"{failed} failed" if failed else "",
                description=f"{job.title} ({known.state})" if known.state != "running" else job.title,
            )

        return await desk.jobs.wait(job.id, progress=tell)


def _draw(found: list[dict[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    from deskclerk.desk.view.cleaning import clean_text  # noqa: PLC0415
    from deskclerk.faces.cli.state import console  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
    for title in ("job", "what", "status", "done", "failed"):
        table.add_column(title, overflow="fold")
    for job in found:
        counts = job.get("counts", {})
        failed = counts.get("refused", 0) + counts.get("unknown", 0)
        done = job.get("written", counts.get("done", 0))
        table.add_row(
            job["id"],
            clean_text(job["title"]),
            job["status"] + (f": {clean_text(job['reason'])}" if job.get("reason") else ""),
            f"{done:,} of {job['total']:,}" if job.get("total") else f"{done:,}",
            f"{failed:,}" if failed else "",
        )
    console(sys.stdout).print(table)
