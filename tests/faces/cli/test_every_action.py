"""Each of the 48 commands does its work on the sandbox, one after another as a person would."""

import pytest

from deskclerk.catalogue import ACTIONS

NOBODY = "user_2nobody000000000000000000000"


@pytest.fixture
def step(run):
    """Run a command that has to succeed; its first line. The names of those run are kept."""

    def every(resource, verb, *words):
        signed = ["--yes"] if verb not in ("list", "get") else []
        ran = run(resource, verb, *map(str, words), *signed)
        assert ran.code == 0, f"{resource} {verb}: {ran.err}"
        take.done.add((resource, verb))
        return ran.lines

    def take(*words):
        lines = every(*words)
        return lines[0] if lines else None

    take.done, take.every = set(), every
    return take


def test_every_command_works_on_the_sandbox(step, tmp_path):
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    users_and_sessions(step, password)
    owner = step("users", "list", "--email-address", "owner@example.com")["id"]
    organizations(step, owner)
    lists_and_invitations(step)
    templates_domains_and_clients(step)
    assert step.done == {(action.spec.resource.plural, action.spec.verb) for action in ACTIONS}


def users_and_sessions(step, password):
    words = ["--email-address", "owner@example.com", "--first-name", "Olga", "--password", f"@{password}"]
    user = step("users", "create", *words, "--public-metadata", '{"plan": "free"}')["id"]
    changes = ["--last-name", "Owner", "--null", "first_name", "--public-metadata", '{"plan": "pro"}']
    changed = step("users", "update", user, *changes)
    assert changed["last_name"] == "Owner"
    assert changed["public_metadata"] == {"plan": "pro"}
    assert "first_name" not in changed
    for verb, state in (("ban", True), ("unban", False)):
        assert step("users", verb, user)["banned"] is state
    for verb, state in (("lock", True), ("unlock", False)):
        assert step("users", verb, user)["locked"] is state
    assert step("users", "get", user)["id"] == user
    brief = step("users", "create", "--email-address", "brief@example.com", "--skip-password-requirement")
    assert step("users", "delete", brief["id"])["deleted"] is True
    session = somebodys_session(step)
    assert step("sessions", "get", session)["status"] == "active"
    assert step("sessions", "revoke", session)["status"] == "revoked"


def somebodys_session(step):
    for user in step.every("users", "list", "--limit", "50", "--order-by", "-last_active_at"):
        session = step("sessions", "list", "--user-id", user["id"], "--status", "active")
        if session:
            return session["id"]
    raise AssertionError("nobody of the seed is signed in")


def organizations(step, owner):
    organization = step("organizations", "create", "--name", "Workshop", "--created-by", owner)["id"]
    assert step("organizations", "list", "--query", "Workshop")["id"] == organization
    assert step("organizations", "update", organization, "--name", "Atelier")["name"] == "Atelier"
    assert step("organizations", "get", organization)["name"] == "Atelier"
    member = step("users", "list", "--user-id", f"-{owner}", "--limit", "1")["id"]
    role = ["--role", "org:member"]
    step("org-memberships", "create", organization, "--user-id", member, *role)
    assert step("org-memberships", "get", organization, member)["role"] == "org:member"
    step("org-memberships", "list", organization)
    assert (
        step("org-memberships", "update", organization, member, "--role", "org:admin")["role"] == "org:admin"
    )
    step("org-memberships", "delete", organization, member)
    words = ["--email-address", "guest@example.com", *role, "--inviter-user-id", owner]
    invitation = step("org-invitations", "create", organization, *words)["id"]
    assert step("org-invitations", "list", organization, "--status", "pending")["id"] == invitation
    assert step("org-invitations", "revoke", organization, invitation)["status"] == "revoked"
    assert step("organizations", "delete", organization)["deleted"] is True


def lists_and_invitations(step):
    words = ["--email-address", "new@example.com", "--expires-in-days", "7", "--no-notify"]
    invitation = step("invitations", "create", *words)["id"]
    assert step("invitations", "list", "--query", "new@example.com")["id"] == invitation
    assert step("invitations", "revoke", invitation)["status"] == "revoked"
    for resource in ("allowlists", "blocklists"):
        entry = step(resource, "create", "--identifier", f"{resource}@example.net")["id"]
        assert step(resource, "list")["id"]
        assert step(resource, "delete", entry)["deleted"] is True


def templates_domains_and_clients(step):
    words = ["--name", "billing", "--claims", '{"plan": "{{user.public_metadata.plan}}"}', "--lifetime", "60"]
    template = step("jwt-templates", "create", *words)["id"]
    assert step("jwt-templates", "update", template, "--lifetime", "120")["lifetime"] == 120
    assert step("jwt-templates", "get", template)["name"] == "billing"
    step("jwt-templates", "list")
    step("jwt-templates", "delete", template)
    domain = step("domains", "create", "--name", "blog.example.org")["id"]
    assert step("domains", "get", domain)["name"] == "blog.example.org"
    step("domains", "list")
    step("domains", "delete", domain)
    client = step("clients", "create", "--name", "Portal", "--redirect-uris", "https://example.com/back")[
        "id"
    ]
    assert step("clients", "update", client, "--name", "Portal 2")["name"] == "Portal 2"
    assert step("clients", "get", client)["name"] == "Portal 2"
    step("clients", "list")
    step("clients", "delete", client)


@pytest.fixture(scope="module")
def one_home(tmp_path_factory):
    return str(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.spec.is_list], ids=str)
def test_every_list_fits_a_terminal_of_80_columns(on_screen, run, action, one_home):
    words = ["--home", one_home, action.spec.resource.plural, "list"]
    if "organization_id" in action.spec.route.names:
        words.append(run("--home", one_home, "organizations", "list").lines[0]["id"])
    if action.spec.resource.plural == "sessions":
        words += ["--user-id", run("--home", one_home, "users", "list").lines[0]["id"]]
    ran = on_screen(*words, columns=80)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines()), default=0) <= 80


def test_a_get_of_nothing_is_1(run):
    assert run("users", "get", NOBODY).code == 1
