"""Users and organizations by the names that people use, before the embedded sandbox."""

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import (
    BanUser,
    CreateOrganization,
    CreateOrgInvitation,
    CreateUser,
    GetOrganization,
    GetUser,
    ListOrgMemberships,
    ListUsers,
    UpdateUser,
)
from deskclerk.desk import Caller, Desk
from deskclerk.errors import InvalidRequest
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
PEOPLE = [
    {"first_name": "Ada", "email_address": ["ada@example.net"], "username": "ada-l", "external_id": "crm 7"},
    {"first_name": "Ben", "phone_number": ["+15555550123"], "external_id": "ben-k"},
    {"first_name": "Cleo", "username": "ben-k", "email_address": ["cleo@example.net"]},
]


@pytest.fixture
async def desk(tmp_path):
    async with Desk.open(Settings(home=tmp_path / "sandbox-home", confirm="never")) as desk:
        desk.ids = [
            (await desk.perform(CreateUser(**person, skip_password_requirement=True))).value["id"]
            for person in PEOPLE
        ]
        made = await desk.perform(CreateOrganization(name="Acme Tools", slug="acme-tools"))
        desk.organization = made.value["id"]
        yield desk


async def refusal(desk, kind, **arguments):
    with pytest.raises(InvalidRequest) as caught:
        await desk.action(kind, arguments)
    return str(caught.value)


@pytest.mark.promise("named-as-people-name-them")
@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("ada@example.net", 0),
        (" ada@example.net ", 0),
        ("ADA@example.net", 0),
        ("ada-l", 0),
        ("crm 7", 0),
        ("+15555550123", 1),
        ("+1 555 555-0123", 1),
        ("cleo@example.net", 2),
    ],
)
async def test_a_user_is_found_by_what_people_say(desk, name, who):
    assert (await desk.action(BanUser, {"user_id": name})).user_id == desk.ids[who]
    answer = await desk.perform(await desk.action(GetUser, {"user_id": name}))
    assert answer.value["id"] == desk.ids[who]


async def test_an_organization_is_found_by_its_slug(desk):
    memberships = await desk.action(ListOrgMemberships, {"organization_id": "acme-tools"})
    assert memberships.organization_id == desk.organization
    invitation = {
        "organization_id": "acme-tools",
        "email_address": "new@example.net",
        "role": "org:member",
        "inviter_user_id": "ada@example.net",
    }
    invite = await desk.action(CreateOrgInvitation, invitation)
    assert (invite.organization_id, invite.inviter_user_id) == (desk.organization, desk.ids[0])
    # Clerk takes the slug itself there.
    assert (
        await desk.action(GetOrganization, {"organization_id": "acme-tools"})
    ).organization_id == "acme-tools"


async def test_names_in_filters_are_found_too_and_a_minus_stays(desk):
    action = await desk.action(
        ListUsers, {"user_id": ["ada@example.net", "-+15555550123"], "organization_id": "-acme-tools"}
    )
    assert action.user_id == [desk.ids[0], f"-{desk.ids[1]}"]
    assert action.organization_id == [f"-{desk.organization}"]
    for plus in ("+acme-tools", f"+{desk.organization}"):
        action = await desk.action(ListUsers, {"organization_id": plus, "user_id": "+15555550123"})
        assert action.organization_id == [f"+{desk.organization}"]
        assert action.user_id == [desk.ids[1]]


@pytest.mark.promise("named-as-people-name-them")
async def test_nobody_or_several_is_an_error_that_lists_who_comes_near(desk):
    several = await refusal(desk, BanUser, user_id="ben-k")
    assert "several have it" in several
    assert f"({desk.ids[1]})" in several
    assert f"({desk.ids[2]})" in several
    nobody = await refusal(desk, BanUser, user_id="ada@example.n")
    assert f"no user is called ada@example.n; near: Ada ada-l ada@example.net ({desk.ids[0]})" in nobody
    assert "Nothing was sent" in nobody
    slug = await refusal(desk, ListOrgMemberships, organization_id="acme")
    assert f"no organization is called acme; near: Acme Tools acme-tools ({desk.organization})" in slug


async def test_a_look_up_is_a_read_of_whoever_asks(desk):
    await desk.action(BanUser, {"user_id": "ada@example.net"}, Caller("mcp", "Agent"))
    await refusal(desk, BanUser, user_id="nobody@example.net")
    reads = [line for line in await desk.journal.recent() if line["kind"] == "read"]
    assert [(line["action"], line["client"]) for line in reads] == [
        ("clerk_users_list", "Agent"),
        ("clerk_users_list", None),
        ("clerk_users_list", None),
    ]
    assert reads[0]["arguments"] == {"email_address": ["ada@example.net"], "limit": 2}


async def test_what_else_is_wrong_is_told_before_anybody_is_looked_up(desk):
    assert "did you mean first_name" in await refusal(
        desk, UpdateUser, user_id="nobody@example.net", frist_name="x"
    )
    assert "not an id" in await refusal(desk, BanUser, user_id="../organizations")
    assert "more than 10 names" in await refusal(
        desk, ListUsers, user_id=[f"a{number}@example.net" for number in range(11)]
    )
    assert "no user is called" in await refusal(desk, BanUser, user_id=f"{'a' * 5_000}@example.net")


async def test_who_may_not_list_may_not_find_out_who_is_there(tmp_path):
    async with Desk.open(Settings(home=tmp_path / "h", deny=("clerk_users_list",))) as desk:
        assert "names may not be looked up here" in await refusal(desk, GetUser, user_id="ada@example.net")


@pytest.mark.promise("named-as-people-name-them")
async def test_the_plan_shows_who_was_found_and_the_id_is_signed(tmp_path):
    person = Person()
    async with Desk.open(Settings(home=tmp_path / "h"), approver=person, caller=Caller("mcp")) as desk:
        (user,) = (await desk.perform(ListUsers(limit=1))).value["items"]
        address = user["email_addresses"][0]
        action = await desk.action(BanUser, {"user_id": address})
        await desk.perform(action)
    (plan,) = person.shown
    assert plan.arguments == {"user_id": user["id"]}
    assert user["name"] in " ".join(plan.lines())
