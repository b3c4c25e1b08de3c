"""What an action hands over goes to a person: out of lists too, and out of what only reads."""

import httpx2
import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import (
    CreateEnterpriseConnection,
    CreateM2mToken,
    GetMachineSecretKey,
    ListUserOauthAccessTokens,
    VerifyUserPassword,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.redaction import secrets_of
from deskclerk.desk import Desk
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.secrets.store import SecretFiles
from deskclerk.errors import Unprocessable
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
CANARY = "made-up-canary-value"
OIDC = {"client_id": "acme", "client_secret": "secret:oidc"}
CONNECTION = {"name": "Acme", "provider": "oidc_custom", "domains": ["acme.test"], "oidc": OIDC}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def desk_that_is_answered(home):
    """A desk whose Clerk answers everything with the same JSON; requests as they came."""

    def opened(answer):
        requests = []

        async def answers(request):
            requests.append(request)
            return httpx2.Response(200, json=answer)

        clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(answers))
        settings = Settings(home=home, secret_key="sk_test_x", approval_wait=0)
        return Desk(settings, clerk=clerk, approver=Person()), requests

    return opened


def on_disk(home):
    return b"".join(
        path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.parent.name not in ("handover", "secrets")
    )


def files(home):
    return "".join(path.read_text() for path in (home / "handover").glob("*.txt"))


@pytest.mark.promise("handed-over")
async def test_a_key_that_is_read_is_in_a_private_file_and_not_in_the_answer(desk_that_is_answered, home):
    desk, _ = desk_that_is_answered({"object": "machine_secret_key", "secret": CANARY})
    async with desk:
        answer = await desk.perform(GetMachineSecretKey(machine_id="mch_1", fields=["raw"]))
    assert CANARY not in answer.text + "".join(answer.notes)
    assert f"secret = {CANARY}" in files(home)
    assert CANARY.encode() not in on_disk(home)


@pytest.mark.promise("handed-over")
async def test_of_a_list_each_items_secret_is_handed_over_with_its_id(desk_that_is_answered, home):
    items = [
        {
            "object": "oauth_access_token",
            "external_account_id": f"eac_{number}",
            "token": f"{CANARY}-{number}",
        }
        for number in (1, 2)
    ]
    desk, _ = desk_that_is_answered(items)
    async with desk:
        answer = await desk.perform(ListUserOauthAccessTokens(user_id="user_1", provider="oauth_google"))
    assert CANARY not in answer.text
    assert len(answer.value["items"]) == 2
    assert f"eac_1.token = {CANARY}-1\neac_2.token = {CANARY}-2\n" in files(home)


async def test_a_password_that_is_asked_about_is_taken_by_reference(desk_that_is_answered, home):
    await Secrets(SecretFiles(home)).store("guess", CANARY)
    desk, requests = desk_that_is_answered({"verified": True})
    async with desk:
        answer = await desk.perform(VerifyUserPassword(user_id="user_1", password="secret:guess"))
    assert answer.value["verified"] is True
    assert CANARY in requests[-1].content.decode()
    assert CANARY.encode() not in on_disk(home)


def test_a_secret_inside_an_object_is_hidden_and_found():
    plain = CreateEnterpriseConnection.parse(CONNECTION | {"oidc": OIDC | {"client_secret": CANARY}})
    assert plain.arguments()["oidc"] == {"client_id": "acme", "client_secret": "[secret]"}
    assert list(secrets_of(plain)) == [CANARY]
    assert CANARY not in repr(plain)


async def test_a_reference_inside_an_object_becomes_its_value_on_the_way_only(desk_that_is_answered, home):
    await Secrets(SecretFiles(home)).store("oidc", CANARY)
    desk, requests = desk_that_is_answered(
        {"object": "enterprise_connection", "id": "ent_1", "total_count": 3, "data": []}
    )
    async with desk:
        await desk.perform(CreateEnterpriseConnection.parse(CONNECTION))
    sent = next(request for request in requests if request.method == "POST")
    assert CANARY in sent.content.decode()
    assert CANARY.encode() not in on_disk(home)
    assert b"secret:oidc" in on_disk(home)


async def test_a_machines_key_goes_in_place_of_the_instances_and_is_kept_nowhere(desk_that_is_answered, home):
    await Secrets(SecretFiles(home)).store("robot", CANARY)
    desk, requests = desk_that_is_answered(
        {"object": "machine_to_machine_token", "id": "mt_1", "token": "t" * 20}
    )
    async with desk:
        answer = await desk.perform(CreateM2mToken(machine_secret_key="secret:robot"))
    sent = next(request for request in requests if request.method == "POST")
    assert sent.headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in sent.content.decode()
    assert "t" * 20 not in answer.text
    assert CANARY.encode() not in on_disk(home)


async def test_a_machines_key_that_is_refused_is_the_arguments_fault_and_not_the_instances(home):
    async def refuses(request):
        error = {"code": "clerk_key_invalid", "message": "invalid", "long_message": f"{CANARY} is no key"}
        return httpx2.Response(401, json={"errors": [error]})

    clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(refuses))
    async with clerk:
        with pytest.raises(Unprocessable) as refused:
            await clerk.perform(CreateM2mToken(machine_secret_key=CANARY))
    assert "machine_secret_key must be" in refused.value.next_step
    assert CANARY not in str(refused.value)
