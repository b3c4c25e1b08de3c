"""Jobs on the command line: proposed, signed, followed to their end, stopped, gone on with, taken back."""

import csv
import json
from pathlib import Path

import pytest

from tests.faces.cli.processes import on_a_terminal
from tests.faces.jobs_here import START_WORKER, WorkerHere, at_home, spam, with_spammers

COUNT, CROWD = 12, 150
FOUND = ("--where", "query=@spam.example")
SAMPLES = Path(__file__).parents[2] / "desk" / "jobs" / "samples"
SAMPLE_FILES = sorted(path.name for path in SAMPLES.iterdir())
BAN = ("bulk", "users", "ban")
COMMANDS = ("bulk", "changes", "export", "import", "jobs")
VERBS = ("list", "show", "watch", "pause", "resume", "cancel", "retry", "undo", "work")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return with_spammers(tmp_path_factory.mktemp("company"), COUNT)


@pytest.fixture(autouse=True)
def sandbox(company, tmp_path):
    """The test's own sandbox, with twelve spammers and Ada."""
    at_home(company, tmp_path / "home")


@pytest.fixture
def worker(monkeypatch):
    """A worker within the loop of the command that signs."""
    here = WorkerHere()
    monkeypatch.setattr(START_WORKER, here)
    monkeypatch.setattr("deskclerk.desk.jobs.jobs._POLL_SECONDS", 0.02)
    return here


@pytest.fixture
def nobody_works(monkeypatch):
    """No worker at all: what is signed stays where it is."""
    monkeypatch.setattr(START_WORKER, lambda *_: False)


@pytest.fixture
def banned(run):
    """Who is banned, by id."""
    return lambda: sorted(user["id"] for user in run("users", "list", "--all", "--banned").lines)


@pytest.fixture
def fault(run, tmp_path):
    """Has some requests of the sandbox fail, until the function that it returns is called."""

    def add(method, path, status=422, **options):
        more = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        controls = ("sandbox", "--db", str(tmp_path / "home" / "sandbox.db"), "faults")
        assert run(*controls, "add", method, path, "--status", str(status), *more).code == 0
        return lambda: run(*controls, "clear")

    return add


def job_of(ran):
    """The job that a command's one line tells of."""
    (job,) = ran.lines
    assert job["object"] == "job"
    return job


def begun(run, *words):
    """A job that was signed and left alone."""
    return job_of(run(*(words or (*BAN, *FOUND)), "--yes", "--detach"))["id"]


# With real workers.


@pytest.mark.promise("a-person-signs")
def test_one_yes_bans_all_that_a_filter_finds_and_the_end_is_told_as_json(run, banned):
    ran = run(*BAN, *FOUND, "--yes")
    assert ran.code == 0
    assert ran.err == ""
    job = job_of(ran)
    assert (job["status"], job["total"], job["counts"]) == ("done", COUNT, {"done": COUNT})
    assert banned() == [spam(number) for number in range(COUNT)]
    shown = job_of(run("jobs", "show", job["id"]))
    results = [json.loads(line) for line in Path(shown["result"]).read_text().splitlines()]
    assert [line["outcome"] for line in results] == ["done"] * COUNT


def test_a_job_that_is_left_to_itself_is_watched_to_its_end(run, banned):
    job = job_of(run(*BAN, *FOUND, "--yes", "--detach"))
    assert job["status"] in ("queued", "running")
    watched = run("jobs", "watch", job["id"])
    assert watched.code == 0
    assert job_of(watched)["status"] == "done"
    assert len(banned()) == COUNT


@pytest.mark.promise("destructive-is-typed")
def test_on_a_real_terminal_the_number_and_the_place_are_typed_to_delete(run):
    with on_a_terminal("bulk", "users", "delete", spam(0), "s001@spam.example") as terminal:
        terminal.until("\n> ")
        assert "type delete 2 users on sandbox" in terminal.shown
        assert "This cannot be taken back." in terminal.shown
        terminal.type("delete 2 users on sandbox\n")
        assert terminal.end() == 0
    assert "done" in terminal.shown
    assert run("users", "get", spam(0)).code == 1
    assert len(run("users", "list", "--all").lines) == COUNT - 1


# What it is about.


def test_ids_and_addresses_are_taken_from_the_command_line(run, worker, banned):
    ran = run(*BAN, spam(1), "s002@spam.example", "S003@SPAM.example", "--yes")
    assert ran.code == 0
    assert job_of(ran)["title"] == "Ban 3 users"
    assert banned() == [spam(1), spam(2), spam(3)]


def test_a_file_of_ids_is_read_with_its_heading(run, worker, banned, tmp_path):
    file = tmp_path / "ids.csv"
    file.write_text(f"user_id\n{spam(4)}\n{spam(5)}\n")
    assert run(*BAN, "--from", str(file), "--yes").code == 0
    assert banned() == [spam(4), spam(5)]


def test_a_plain_list_of_addresses_is_read_one_a_line(run, worker, banned, tmp_path):
    file = tmp_path / "people.txt"
    file.write_text("s006@spam.example\n\ns007@spam.example\n")
    assert run(*BAN, "--from", str(file), "--yes").code == 0
    assert banned() == [spam(6), spam(7)]


def test_rows_of_a_file_are_the_arguments_of_each_write(run, worker, tmp_path):
    file = tmp_path / "names.ndjson"
    rows = [{"user_id": spam(number), "last_name": f"Number {number}"} for number in range(3)]
    file.write_text("\n".join(map(json.dumps, rows)))
    assert run("bulk", "users", "update", "--from", str(file), "--yes").code == 0
    assert run("users", "get", spam(2)).lines[0]["last_name"] == "Number 2"


def test_everything_is_asked_for_by_name(run, worker, banned):
    ran = run(*BAN, "--everything", "--yes")
    assert job_of(ran)["counts"] == {"done": COUNT + 1}
    assert "user_ada" in banned()


@pytest.fixture
def bad_rows(tmp_path):
    """Thirty wrong rows and one that is right."""
    file = tmp_path / "ids.csv"
    file.write_text("\n".join(["user_id", spam(0), *(f"user_nobody{number}" for number in range(30))]))
    return str(file)


def test_every_wrong_row_is_told_with_its_line_and_no_job_is_made(run, worker, banned, bad_rows):
    ran = run(*BAN, "--from", bad_rows, "--yes")
    assert ran.code == 2
    for line in range(3, 33):
        assert f"line {line}: user_id: there is no such user" in ran.err
    assert "line 2:" not in ran.err
    assert "30 problems." in ran.err
    assert ran.out == ""
    assert banned() == []
    assert run("jobs", "list").lines == []


def test_every_wrong_row_is_in_the_error_as_json(run, worker, bad_rows):
    ran = run(*BAN, "--from", bad_rows, "--yes", "--json")
    assert ran.code == 2
    problems = ran.error["problems"]
    assert [problem["argument"] for problem in problems] == [f"line {line}: user_id" for line in range(3, 33)]


def test_wrong_rows_are_left_out_where_that_is_asked_for(run, worker, banned, bad_rows):
    ran = run(*BAN, "--from", bad_rows, "--skip-invalid", "--yes")
    assert ran.code == 0
    assert job_of(ran)["counts"] == {"done": 1, "left_out": 30}
    assert banned() == [spam(0)]


def test_columns_are_mapped_to_parameters_or_skipped(run, worker, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text(f"Id,Surname,Remark\n{spam(8)},Reef,likes fog\n")
    words = ("bulk", "users", "update", "--from", str(file), "--yes")
    ran = run(*words)
    assert ran.code == 2
    assert "Surname" in ran.err
    mapped = ("--map", "Id=user_id", "--map", "Surname=last_name", "--map", "Remark=")
    assert run(*words, *mapped).code == 0
    assert run("users", "get", spam(8)).lines[0]["last_name"] == "Reef"


def test_a_value_that_is_set_is_the_same_for_each(run, worker):
    values = ("--set", 'public_metadata={"plan": "free"}', "--set", "first-name=Grace")
    assert run("bulk", "users", "update", *FOUND, *values, "--yes").code == 0
    users = run("users", "list", "--query", "@spam.example", "--all").lines
    assert [user["public_metadata"] for user in users] == [{"plan": "free"}] * COUNT
    assert {user["first_name"] for user in users} == {"Grace"}


def test_several_values_of_one_filter_are_all_of_them(run, worker, banned):
    words = ("--where", f"user_id={spam(2)}", "--where", f"user_id={spam(9)}")
    assert run(*BAN, *words, "--yes").code == 0
    assert banned() == [spam(2), spam(9)]


# What is refused before anything is asked of anybody.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bulk", "users", "bann", spam(0)), "no verb 'bann' (there are: list, get, create"),
        (("bulk", "people", "ban", spam(0)), "no resource 'people' (there are: users, organizations"),
        (BAN, "in one way: --where or --everything, ids, or --from FILE"),
        ((*BAN, spam(0), *FOUND), "in one way"),
        ((*BAN, spam(0), "--from", "ids.csv"), "in one way"),
        ((*BAN, *FOUND, "--from", "ids.csv"), "in one way"),
        ((*BAN, spam(0), "--everything"), "in one way"),
        ((*BAN, "--where", "@spam.example"), "is no NAME=VALUE"),
        ((*BAN, "--where", "=x"), "is no NAME=VALUE"),
        ((*BAN, "--where", "limit=5"), "limit is no filter"),
        ((*BAN, "--where", "shoe_size=5"), "shoe_size"),
        ((*BAN, "--from", "nowhere.csv"), "nowhere.csv"),
        ((*BAN, "--where", "query=nobody-at-all"), "No targets were found"),
        (("bulk", "users", "get", spam(0)), "no write"),
        (("bulk", "jwt-templates", "create", "x"), "wants more than an id (name, claims): give rows"),
        ((*BAN, *FOUND, "--stop-after", "0"), "--stop-after"),
        (("changes", "{}"), "a JSON list"),
        (("changes", "[1]"), "a JSON list"),
        (("changes", "["), "JSON"),
        (("changes", '[{"action": "clerk_user_bann"}]'), "Step 1 is no known action"),
        (("changes", '[{"action": "clerk_user_ban", "args": {}}]'), "Step 1 is no known action"),
        (("changes", "[]"), "at least one step"),
        (("export", "everybody", "--to", "x.csv"), "nothing of this name can be exported"),
        (("export", "users"), "--to"),
        (("import", "people", "x.csv"), "people"),
        (("import", "users", "nowhere.csv"), "nowhere.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_exits_2_and_says_what_can(run, worker, banned, words, said):
    signed = () if words[0] == "export" else ("--yes",)
    ran = run(*words, *signed)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert run("jobs", "list").lines == []
    assert banned() == []


@pytest.mark.parametrize(
    "words",
    [
        (*BAN, spam(0), "--map", "Id=user_id"),
        (*BAN, *FOUND, "--map", "Id=user_id"),
        ("bulk", "users", "update", spam(0), "--set", "first_name=Ann", "--set", "first_name=Bo"),
    ],
    ids=["map of ids", "map of a filter", "set twice"],
)
def test_an_option_that_would_be_ignored_is_a_usage_error(run, worker, words):
    assert run(*words, "--dry-run").code == 2


def test_a_creation_of_bare_ids_says_what_to_give(run, worker):
    ran = run("bulk", "users", "create", "x", "--yes")
    assert ran.code == 2
    assert "give rows" in ran.err
    assert "()" not in ran.err


@pytest.mark.promise("job-size")
def test_more_than_a_job_may_have_is_refused(run, worker, banned, monkeypatch):
    monkeypatch.setenv("DESKCLERK_ITEMS_PER_JOB", "5")
    ran = run(*BAN, *FOUND, "--yes")
    assert ran.code == 2
    assert "items_per_job" in ran.err
    assert banned() == []


@pytest.mark.promise("access")
def test_what_the_settings_withhold_is_no_job_either(run, worker, banned, monkeypatch):
    assert run("--read-only", *BAN, *FOUND, "--yes").code == 1
    monkeypatch.setenv("DESKCLERK_DENY", "clerk_user_ban")
    ran = run(*BAN, *FOUND, "--yes")
    assert ran.code == 1
    assert "clerk_user_ban is not allowed here" in ran.err
    monkeypatch.delenv("DESKCLERK_DENY")
    assert banned() == []


OIDC = '{"client_secret": "hunter2-hunter2"}'


@pytest.mark.parametrize(
    "words",
    [
        ("bulk", "users", "update", spam(0), "--set", "password=hunter2-hunter2"),
        ("changes", '[{"action": "clerk_user_create", "arguments": {"password": "hunter2-hunter2"}}]'),
        ("bulk", "enterprise-connections", "update", "ent_1", "--set", f"oidc={OIDC}"),
        (
            "changes",
            f'[{{"action": "clerk_enterprise_connection_create", "arguments": {{"oidc": {OIDC}}}}}]',
        ),
    ],
    ids=["bulk", "changes", "bulk nested", "changes nested"],
)
def test_a_secret_in_plain_words_is_refused_and_not_repeated(run, worker, words):
    ran = run(*words, "--yes")
    assert ran.code == 2
    assert "hunter2" not in ran.err + ran.out
    assert run("jobs", "list").lines == []


# Looked at only.


@pytest.mark.parametrize("signed", [(), ("--yes",)])
def test_a_dry_run_shows_the_plan_and_leaves_nothing_that_could_be_signed(run, worker, banned, signed):
    ran = run(*BAN, *FOUND, "--dry-run", *signed)
    assert ran.code == 0
    (shown,) = ran.lines
    assert shown["status"] == "dry run"
    assert shown["job"]["count"] == COUNT
    assert run("pending").lines == []
    assert run("approve", shown["id"], "--yes").code == 1
    assert run("jobs", "resume", shown["job"]["id"], "--yes").code != 0
    assert run("jobs", "list").lines == []
    assert run("jobs", "show", shown["job"]["id"]).code != 0
    assert not worker.tasks
    assert banned() == []


def test_after_a_dry_run_the_same_is_signed_as_ever(run, worker, banned):
    assert run(*BAN, *FOUND, "--dry-run").code == 0
    assert run(*BAN, *FOUND, "--yes").code == 0
    assert len(banned()) == COUNT


def test_a_dry_run_is_drawn_on_a_terminal(on_screen, worker):
    ran = on_screen(*BAN, *FOUND, "--dry-run", columns=80)
    assert ran.code == 0
    for shown in ("Ban 12 users on sandbox", "and 2 more", "Pauses and asks", "this was a dry run"):
        assert shown in ran.out + ran.err
    assert max(map(len, ran.out.splitlines())) <= 80


# Who signs.


@pytest.mark.promise("nobody-there-nothing-happens")
def test_off_a_terminal_a_job_without_yes_waits_and_exits_8(run, worker, banned):
    ran = run(*BAN, *FOUND, "--json")
    assert ran.code == 8
    assert ran.error["error"] == "approval_needed"
    (waiting,) = run("pending").lines
    assert waiting["id"] == ran.error["plan_id"]
    assert waiting["heading"] == "Ban 12 users"
    assert not worker.tasks
    assert banned() == []


def test_what_waits_is_approved_by_its_id_and_the_job_begins(run, on_screen, worker, banned):
    plan = run(*BAN, *FOUND, "--json").error["plan_id"]
    ran = on_screen("approve", plan, types="ban 12 users on sandbox\n")
    assert ran.code == 0
    assert "the job begins" in ran.err
    (job,) = run("jobs", "list").lines
    assert run("jobs", "watch", job["id"]).code == 0
    assert len(banned()) == COUNT


@pytest.mark.promise("a-job-is-frozen-and-shown")
def test_what_changes_after_the_plan_was_made_is_not_part_of_what_is_signed(
    run, on_screen, worker, banned, tmp_path
):
    file = tmp_path / "ids.csv"
    file.write_text(f"user_id\n{spam(0)}\n{spam(1)}\n")
    plan = run(*BAN, "--from", str(file), "--json").error["plan_id"]
    file.write_text("user_id\nuser_ada\n")
    assert on_screen("approve", plan, types="ban 2 users on sandbox\n").code == 0
    assert run("jobs", "watch", run("jobs", "list").lines[0]["id"]).code == 0
    assert banned() == [spam(0), spam(1)]


@pytest.mark.promise("a-person-signs")
def test_a_typed_yes_signs_a_job_on_the_sandbox_and_a_no_ends_it(on_screen, run, worker, banned):
    declined = on_screen(*BAN, spam(0), types="no\n")
    assert declined.code == 1
    assert "Declined. Nothing was sent." in declined.err
    assert banned() == []
    assert on_screen(*BAN, spam(1), types="yes\n").code == 0
    assert banned() == [spam(1)]


@pytest.mark.promise("destructive-is-typed")
@pytest.mark.parametrize("typed", ["yes", "delete 3 users on sandbox", spam(0), "delete 2 users"])
@pytest.mark.promise("a-job-is-frozen-and-shown")
def test_a_bulk_deletion_wants_its_number_and_place_and_nothing_else(on_screen, run, worker, typed):
    ran = on_screen("bulk", "users", "delete", spam(0), spam(1), types=f"{typed}\n")
    assert ran.code == 8
    assert not worker.tasks
    assert len(run("users", "list", "--all").lines) == COUNT + 1


def test_the_words_that_sign_are_typed_in_whatever_capitals(on_screen, run, worker):
    typed = "  Delete 2  users on SANDBOX \n"
    assert on_screen("bulk", "users", "delete", spam(0), spam(1), types=typed).code == 0
    assert len(run("users", "list", "--all").lines) == COUNT - 1


@pytest.fixture
def real(clerk, monkeypatch):
    """A stub of five users behind a key that is not the sandbox's."""
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_of_the_stub")
    monkeypatch.setenv("DESKCLERK_RETRY_SECONDS", "0")
    for _ in range(5):
        clerk.add()
    return clerk


@pytest.mark.promise("a-person-signs")
@pytest.mark.parametrize("about", [("--everything",), ("ID",)])
def test_off_the_sandbox_yes_alone_signs_no_job(run, worker, real, about):
    words = [next(iter(real.users)) if word == "ID" else word for word in about]
    ran = run(*BAN, *words, "--yes")
    assert ran.code == 8
    assert "--yes alone signs nothing" in ran.err
    assert real.writes == []
    assert not worker.tasks
    assert [job["status"] for job in run("jobs", "list").lines] == ["planned"]


def test_off_the_sandbox_the_number_and_the_instance_are_typed(on_screen, worker, real):
    assert on_screen(*BAN, "--everything", types="yes\n").code == 8
    assert real.writes == []
    ran = on_screen(*BAN, "--everything", types="ban 5 users on test\n")
    assert ran.code == 0
    assert len(real.writes) == 5


@pytest.mark.promise("a-person-signs")
def test_at_a_faulty_origin_nothing_is_planned_and_yes_signs_nothing(run, worker, real):
    real.status = 500
    ran = run(*BAN, "--everything", "--yes")
    assert ran.code == 1
    assert real.writes == []
    real.status = 401
    assert run(*BAN, "--everything", "--yes").code == 4
    real.status = 200
    assert run("jobs", "list").lines == []
    assert run("pending").lines == []
    assert not worker.tasks


@pytest.mark.promise("a-person-signs")
def test_off_the_sandbox_yes_alone_lets_no_job_go_on(run, on_screen, worker, real):
    worker.asleep = True
    assert on_screen(*BAN, "--everything", "--detach", types="ban 5 users on test\n").code == 0
    (job,) = run("jobs", "list").lines
    assert run("jobs", "pause", job["id"]).code == 0
    worker.asleep = False
    ran = run("jobs", "resume", job["id"], "--yes")
    assert ran.code == 1
    assert "nobody is at a terminal" in ran.err
    assert run("jobs", "show", job["id"]).lines[0]["status"] == "paused"
    assert real.writes == []


@pytest.mark.promise("the-pin")
def test_where_a_pin_is_set_yes_alone_signs_no_job_on_the_sandbox(run, worker, banned, monkeypatch):
    async def is_set(_signer):
        return True

    monkeypatch.setattr("deskclerk.desk.approvals.pin.SignerPin.is_set", is_set)
    assert run(*BAN, *FOUND, "--yes").code == 8
    assert not worker.tasks
    assert banned() == []


# Jobs that are there.


@pytest.mark.promise("a-job-stops-and-asks")
def test_a_job_is_paused_gone_on_with_and_cancelled(run, nobody_works, banned):
    job = begun(run)
    assert run("jobs", "show", job).lines[0]["status"] == "queued"
    assert run("jobs", "pause", job).code == 0
    paused = run("jobs", "show", job).lines[0]
    assert (paused["status"], paused["reason"]) == ("paused", "by a person")
    assert run("jobs", "pause", job).code == 2
    assert job_of(run("jobs", "resume", job, "--yes", "--detach"))["status"] == "queued"
    assert run("jobs", "cancel", job).code == 0
    again = run("jobs", "cancel", job)
    assert again.code == 2
    assert "The job is cancelled" in again.err
    assert run("jobs", "resume", job, "--yes").code == 2
    assert banned() == []


def test_a_job_that_was_cancelled_is_no_success_to_whoever_watches_it(run, nobody_works):
    job = begun(run)
    run("jobs", "cancel", job)
    ran = run("jobs", "watch", job)
    assert ran.code == 1
    assert job_of(ran)["status"] == "cancelled"


@pytest.mark.promise("a-person-signs")
def test_going_on_without_a_terminal_and_without_yes_is_refused(run, worker, banned):
    worker.asleep = True
    job = begun(run)
    run("jobs", "pause", job)
    worker.asleep = False
    for stdin in ("", "go on\n"):
        ran = run("jobs", "resume", job, stdin=stdin)
        assert ran.code == 1
        assert "A person has to want this" in ran.err
    assert run("jobs", "show", job).lines[0]["status"] == "paused"
    assert banned() == []


def test_going_on_is_typed_at_a_terminal(run, on_screen, worker, banned):
    worker.asleep = True
    job = begun(run)
    run("jobs", "pause", job)
    worker.asleep = False
    assert on_screen("jobs", "resume", job, types="yes\n").code == 1
    assert banned() == []
    ran = on_screen("jobs", "resume", job, types="go on\n")
    assert ran.code == 0
    assert "It paused: by a person." in ran.err
    assert len(banned()) == COUNT


def test_jobs_are_listed_newest_first_as_json_and_as_a_table(run, on_screen, nobody_works):
    first, second = begun(run, *BAN, spam(0)), begun(run, *BAN, spam(1), spam(2))
    assert [job["id"] for job in run("jobs", "list").lines] == [second, first]
    assert [job["id"] for job in run("jobs", "list", "--limit", "1").lines] == [second]
    shown = on_screen("jobs", "list", columns=80)
    assert shown.code == 0
    assert "Ban 2 users" in " ".join(shown.out.split())
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "queued" in on_screen("jobs", "show", first, columns=80).out


def test_no_jobs_is_said(on_screen, run):
    assert "There are no jobs." in on_screen("jobs", "list").err
    assert run("jobs", "list").out == ""


@pytest.mark.parametrize("verb", ["show", "watch", "pause", "resume", "cancel", "retry", "undo"])
def test_a_job_that_is_not_there_is_an_error_that_says_where_the_others_are(run, worker, verb):
    signed = ("--yes",) if verb in ("resume", "retry", "undo") else ()
    ran = run("jobs", verb, "job_nobody", *signed)
    assert ran.code == 2
    assert "no job has this id" in ran.err
    assert "deskclerk jobs list" in ran.err


def test_what_failed_makes_the_exit_code_1_and_is_told_with_its_reason(run, worker, fault, banned):
    fault("POST", f"/users/{spam(3)}/ban")
    ran = run(*BAN, *FOUND, "--yes")
    assert ran.code == 1
    job = job_of(ran)
    assert job["counts"] == {"done": COUNT - 1, "refused": 1}
    (failure,) = job["failures"]
    assert spam(3) in failure["name"]
    assert failure["outcome"] == "refused"
    assert failure["error"]
    assert spam(3) not in banned()


def test_what_failed_is_tried_again_as_a_job_of_its_own(run, worker, fault, banned):
    clear = fault("POST", f"/users/{spam(3)}/ban")
    first = job_of(run(*BAN, *FOUND, "--yes"))["id"]
    clear()
    assert run("jobs", "retry", first).code == 8
    ran = run("jobs", "retry", first, "--yes")
    assert ran.code == 0
    job = job_of(ran)
    assert (job["retries"], job["counts"]) == (first, {"done": 1})
    assert len(banned()) == COUNT
    again = run("jobs", "retry", job["id"], "--yes")
    assert again.code == 2
    assert "Nothing failed in this job" in again.err


def test_what_was_done_is_taken_back_as_a_job_of_its_own(run, worker, banned):
    first = job_of(run(*BAN, *FOUND, "--yes"))["id"]
    assert run("jobs", "undo", first).code == 8
    ran = run("jobs", "undo", first, "--yes")
    assert ran.code == 0
    job = job_of(ran)
    assert (job["undoes"], job["counts"]) == (first, {"done": COUNT})
    assert banned() == []
    again = run("jobs", "undo", first, "--yes")
    assert again.code == 2
    assert "taken back already" in again.err


def test_a_job_that_is_not_over_is_not_taken_back(run, nobody_works):
    ran = run("jobs", "undo", begun(run), "--yes")
    assert ran.code == 2
    assert "not over" in ran.err


@pytest.fixture
def crowd(tmp_path_factory, tmp_path):
    """So many in place of the twelve that not all of them are under way at once."""
    at_home(with_spammers(tmp_path_factory.mktemp("crowd"), CROWD), tmp_path / "home")


@pytest.mark.promise("a-job-stops-and-asks")
def test_a_job_stops_and_asks_after_as_many_failures_as_it_was_told(run, worker, crowd, fault):
    clear = fault("POST", "/users/*/ban")
    ran = run(*BAN, *FOUND, "--stop-after", "1", "--yes")
    assert ran.code == 1
    job = job_of(ran)
    assert job["status"] == "paused"
    assert "in a row" in job["reason"]
    clear()
    assert job["counts"]["waiting"] > 0
    went_on = run("jobs", "resume", job["id"], "--yes")
    # What failed before stays so, and the rest is done.
    assert went_on.code == 1
    counts = {"done": job["counts"]["waiting"], "refused": job["counts"]["refused"]}
    assert (job_of(went_on)["status"], job_of(went_on)["counts"]) == ("done", counts)


# Several writes in order.


@pytest.fixture
def steps(tmp_path):
    """A file of three changes, of which the last needs what the first makes."""
    file = tmp_path / "steps.json"
    changes = [
        {"action": "clerk_user_create", "arguments": {"email_address": ["new@example.com"]}},
        {"action": "clerk_user_ban", "arguments": {"user_id": "s000@spam.example"}},
        {"action": "clerk_user_update", "arguments": {"user_id": "$1.id", "first_name": "Newt"}},
    ]
    file.write_text(json.dumps(changes))
    return f"@{file}"


@pytest.mark.promise("changes-in-order")
def test_changes_are_made_in_order_and_a_later_one_has_the_id_that_an_earlier_one_made(
    run, worker, banned, steps
):
    ran = run("changes", steps, "--yes")
    assert ran.code == 0, ran.err
    assert job_of(ran)["counts"] == {"done": 3}
    assert run("users", "list", "--email-address", "new@example.com").lines[0]["first_name"] == "Newt"
    assert banned() == [spam(0)]


def test_a_step_that_is_left_out_is_not_carried_out(run, worker, banned, steps):
    ran = run("changes", steps, "--without", "2", "--yes")
    assert ran.code == 0, ran.err
    assert job_of(ran)["counts"] == {"done": 2, "struck": 1}
    assert run("users", "list", "--email-address", "new@example.com").lines[0]["first_name"] == "Newt"
    assert banned() == []


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("1", "step 3 needs what step 1 makes"),
        ("9", "no step 9 (steps: 1, 2, 3)"),
        ("1,2,3", "Nothing would be left"),
    ],
)
def test_what_cannot_be_left_out_is_said_and_nothing_is_sent(run, worker, steps, without, said):
    ran = run("changes", steps, "--without", without, "--yes")
    assert ran.code == 2
    assert said in ran.err
    assert not worker.tasks


@pytest.mark.parametrize("without", ["two", "2;3", "2,x", "-2", "1-3"])
def test_a_step_to_leave_out_that_is_no_number_is_a_usage_error(run, worker, banned, steps, without):
    ran = run("changes", steps, f"--without={without}", "--yes")
    assert ran.code == 2
    assert banned() == []
    assert not worker.tasks


@pytest.mark.promise("changes-in-order")
def test_the_first_step_that_fails_stops_the_rest(run, worker, fault, banned, steps):
    clear = fault("POST", f"/users/{spam(0)}/ban")
    ran = run("changes", steps, "--yes")
    assert ran.code == 1
    job = job_of(ran)
    assert job["status"] == "paused"
    assert "step 2 was not done" in job["reason"]
    assert job["counts"] == {"waiting": 1, "done": 1, "refused": 1}
    clear()
    assert job_of(run("jobs", "resume", job["id"], "--yes"))["counts"] == {"done": 3}
    assert banned() == [spam(0)]


def test_every_step_is_shown_and_typed_for_where_one_cannot_be_taken_back(on_screen, run, worker):
    changes = [
        {"action": "clerk_user_update", "arguments": {"user_id": spam(0), "first_name": "Grace"}},
        {"action": "clerk_user_delete", "arguments": {"user_id": spam(1)}},
    ]
    ran = on_screen("changes", json.dumps(changes), types="yes\n")
    assert ran.code == 8
    for shown in ("1. Update user", "first_name: Spam → Grace", "2. Delete user", spam(1)):
        assert shown in ran.err
    assert on_screen("changes", json.dumps(changes), types="2 changes on sandbox\n").code == 0
    assert run("users", "get", spam(1)).code == 1


def test_what_waits_is_put_together_and_signed_once(run, worker, banned):
    plans = [run("users", "ban", spam(number), "--json").error["plan_id"] for number in (4, 5)]
    ran = run("changes", "--plan", plans[0], "--plan", plans[1], "--yes")
    assert ran.code == 0, ran.err
    assert job_of(ran)["counts"] == {"done": 2}
    assert banned() == [spam(4), spam(5)]
    assert run("pending").lines == []
    both = run("changes", "[]", "--plan", plans[0], "--yes")
    assert both.code == 2


# Exports and imports.


def test_users_are_exported_into_a_file_with_the_fields_that_are_asked_for(run, worker, tmp_path):
    file = tmp_path / "users.csv"
    words = ("--fields", "id,email_addresses.email_address", *FOUND)
    ran = run("export", "users", "--to", str(file), *words)
    assert ran.code == 0, ran.err
    assert job_of(ran)["written"] == COUNT
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert {row["id"]: row["email_addresses.email_address"] for row in rows} == {
        spam(number): f"s{number:03}@spam.example" for number in range(COUNT)
    }


def test_a_file_that_is_there_is_not_written_over(run, worker, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("mine")
    ran = run("export", "users", "--to", str(file))
    assert ran.code != 0
    assert file.read_text() == "mine"
    assert str(file) in ran.err + ran.out


def test_an_export_is_json_lines_where_the_name_says_nothing_else(run, worker, tmp_path):
    file = tmp_path / "users"
    assert run("export", "users", "--to", str(file)).code == 0
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == COUNT + 1


@pytest.mark.parametrize("name", SAMPLE_FILES)
@pytest.mark.promise("imports-are-read")
def test_a_dry_run_of_an_import_says_what_it_would_make_and_makes_nothing(run, worker, name):
    mapping = ("--map", "Email=email_address", "--map", "Notes=") if name == "generic.csv" else ()
    ran = run("import", "users", str(SAMPLES / name), "--dry-run", "--skip-invalid", *mapping)
    assert ran.code == 0, ran.err
    (shown,) = ran.lines
    assert shown["job"]["count"] >= 1
    assert any(line.startswith(f"From {name}") for line in shown["preview"])
    assert len(run("users", "list", "--all").lines) == COUNT + 1
    assert run("pending").lines == []


@pytest.mark.promise("imports-are-read")
@pytest.mark.promise("imports-are-read")
def test_an_import_makes_its_users_and_the_same_again_makes_nobody(run, worker, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("email_address,first_name,external_id\na@new.example,Ann,1\nb@new.example,Bo,2\n")
    ran = run("import", "users", str(file), "--yes")
    assert ran.code == 0, ran.err
    assert job_of(ran)["counts"] == {"done": 2}
    assert len(run("users", "list", "--query", "@new.example").lines) == 2
    again = run("import", "users", str(file), "--yes")
    assert again.code == 2
    assert "there is nothing to do" in again.err.lower()


# The words.


@pytest.mark.parametrize("words", [*((name,) for name in COMMANDS), *(("jobs", verb) for verb in VERBS)])
def test_every_help_fits_80_columns(on_screen, words):
    ran = on_screen(*words, "--help", columns=80)
    assert ran.code == 0
    assert ran.err == ""
    assert f"Usage: deskclerk {' '.join(words)}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_commands_for_jobs_are_listed_with_the_others(run):
    listed = run("--help").out.partition("The desk:")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert set(COMMANDS) <= set(names)
    shown = run("jobs", "--help").out.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in shown if line.strip()] == list(VERBS)
