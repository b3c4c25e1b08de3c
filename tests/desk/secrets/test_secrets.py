"""A person stores a secret; a model names it; only Clerk gets it."""

import os

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import CreateJwtTemplate, CreateUser, UpdateUser
from deskclerk.desk import Caller
from deskclerk.desk.secrets.handovers import hand_over
from deskclerk.desk.secrets.private_files import write_new
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.secrets.store import SecretFiles
from deskclerk.errors import ApprovalRefused, InvalidRequest

pytestmark = pytest.mark.anyio
VALUE = "made-up-horse-battery"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def secrets(home):
    return Secrets(SecretFiles(home))


def bytes_on_disk(home):
    files = [path for path in home.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.promise("secrets-by-reference")
async def test_a_reference_becomes_its_value_only_on_the_way_to_clerk(secrets, home, open_desk, upstream):
    await secrets.store("ada", VALUE)
    person = Person()
    async with open_desk(approver=person) as desk:
        answer = await desk.perform(UpdateUser(user_id="user_1", password="secret:ada"))
    (plan,) = person.shown
    assert upstream.users["user_1"]["password"] == VALUE
    assert plan.arguments["password"] == "secret:ada"
    assert "secret:ada" in plan.text()
    assert VALUE not in f"{plan!r}{plan.text()}{answer!r}"
    assert VALUE.encode() not in bytes_on_disk(home)
    assert b"secret:ada" in bytes_on_disk(home)


async def test_a_reference_to_nothing_bothers_nobody_and_says_how_to_set_it(secrets, open_desk, upstream):
    await secrets.store("bob", VALUE)
    person = Person()
    async with open_desk(approver=person) as desk:
        with pytest.raises(InvalidRequest) as caught:
            await desk.perform(UpdateUser(user_id="user_1", password="secret:ada"))
    assert "deskclerk secret set ada" in str(caught.value)
    assert caught.value.problems[0][0] == "password"
    assert person.shown == []
    assert upstream.writes == []


async def test_a_secret_replaced_after_the_signature_needs_a_new_one(secrets, home, open_desk, upstream):
    await secrets.store("ada", VALUE)
    person = Person(meanwhile=lambda: (home / "secrets" / "ada").write_text("another-made-up-value"))
    async with open_desk(approver=person) as desk:
        with pytest.raises(ApprovalRefused, match="changed"):
            await desk.perform(UpdateUser(user_id="user_1", password="secret:ada"))
    assert upstream.writes == []


@pytest.mark.parametrize(
    "value", ["secret:", "secret:../ada", "secret:a b", "secret:" + "x" * 65, "secret:a\n"]
)
async def test_what_only_looks_like_a_reference_is_refused_and_not_repeated(secrets, value):
    with pytest.raises(InvalidRequest) as caught:
        await secrets.check(CreateUser(password=value), "python")
    assert "NAME is letters" in str(caught.value)
    assert value == "secret:" or value not in str(caught.value)


async def test_a_list_takes_one_value_a_line_from_a_stored_secret(secrets):
    await secrets.store("codes", "one-111\ntwo-222\n")
    resolved = await secrets.resolve(CreateUser(backup_codes=["secret:codes", "zero-000"]))
    assert resolved.backup_codes == ["one-111", "two-222", "zero-000"]
    assert "111" not in repr(resolved)


async def test_a_signing_key_keeps_its_lines(secrets):
    pem = "-----BEGIN MADE UP-----\nabc\ndef\n-----END MADE UP-----"
    await secrets.store("pem", pem)
    action = CreateJwtTemplate(name="x", claims={}, signing_key="secret:pem")
    assert (await secrets.resolve(action)).signing_key == pem
    assert repr(await secrets.resolve(action)).count("[secret]") == 1


@pytest.mark.promise("references-demanded")
async def test_no_model_may_give_a_plain_secret_where_references_are_demanded(home):
    secrets = Secrets(SecretFiles(home), "reference")
    await secrets.store("ada", VALUE)
    for action in (CreateUser(password=VALUE), CreateUser(backup_codes=["secret:ada", VALUE])):
        with pytest.raises(InvalidRequest, match="reference only") as caught:
            await secrets.check(action, "mcp")
        assert VALUE not in str(caught.value)
        await secrets.check(action, "cli")
    await secrets.check(CreateUser(password="secret:ada"), "mcp")


async def test_the_setting_reaches_the_desk(open_desk, upstream):
    async with open_desk(secrets="reference", approver=Person()) as desk:
        with pytest.raises(InvalidRequest, match="reference only"):
            await desk.perform(UpdateUser(user_id="user_1", password=VALUE), caller=Caller("mcp"))
    assert upstream.writes == []


async def test_the_list_holds_names_and_times_only(secrets):
    assert await secrets.listed() == []
    await secrets.store("b", VALUE)
    await secrets.store("a", VALUE)
    await secrets.seals(CreateUser(password=VALUE))
    assert [item.name for item in await secrets.listed()] == ["a", "b"]
    assert VALUE not in repr(await secrets.listed())
    await secrets.remove("a")
    assert [item.name for item in await secrets.listed()] == ["b"]
    with pytest.raises(InvalidRequest, match="no secret is called a"):
        await secrets.remove("a")


@pytest.mark.promise("shown-once-goes-to-the-person")
async def test_secrets_are_for_their_owner_only_whatever_the_folder_was(secrets, home):
    folder = home / "secrets"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    await secrets.store("ada", VALUE)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ada").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["ada"]


async def test_seals_differ_by_value_and_by_desk_and_agree_between_processes(home, tmp_path):
    seal = await Secrets(SecretFiles(home)).seals(CreateUser(password=VALUE))
    assert seal == await Secrets(SecretFiles(home)).seals(CreateUser(password=VALUE))
    assert seal != await Secrets(SecretFiles(home)).seals(CreateUser(password=VALUE + "x"))
    assert seal != await Secrets(SecretFiles(tmp_path / "other")).seals(CreateUser(password=VALUE))


def test_a_hand_over_never_overwrites_and_stays_in_its_folder(tmp_path):
    above = tmp_path / "above"
    folder = above / "handover"
    folder.mkdir(mode=0o755, parents=True)
    answer = {"object": "../../x", "id": "../oa/1", "client_secret": VALUE}
    notes = [hand_over(answer, folder)[1] for _ in range(3)]
    assert len(set(notes)) == 3
    assert len(list(folder.iterdir())) == 3
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in above.iterdir()] == ["handover"]


def test_a_private_file_is_whole_or_absent(tmp_path, monkeypatch):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "private" / "x", VALUE)
    assert list((tmp_path / "private").iterdir()) == []


def test_a_file_system_without_links_still_overwrites_nothing(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    folder = tmp_path / "folder"
    write_new(folder / "x", VALUE)
    with pytest.raises(FileExistsError):
        write_new(folder / "x", "other")
    assert (folder / "x").read_text() == VALUE
    assert [path.name for path in folder.iterdir()] == ["x"]
