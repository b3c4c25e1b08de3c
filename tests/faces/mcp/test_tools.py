import pytest
from jsonschema import Draft202012Validator
from mcp import MCPError

from deskclerk.catalogue import ACTIONS, BY_NAME

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tools(connect):
    async with connect() as client:
        return {tool.name: tool for tool in (await client.list_tools()).tools}


async def test_the_tools_are_the_actions_in_the_catalogues_order(tools):
    assert list(tools) == [action.spec.name for action in ACTIONS]
    assert len(tools) == 48


async def test_every_schema_is_json_schema_2020_12_for_an_object(tools):
    for tool in tools.values():
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"


async def test_a_schema_names_every_parameter(tools):
    for name, tool in tools.items():
        parameters = BY_NAME[name].parameters()
        also = ["clear"] if BY_NAME[name].clearable() else []
        assert list(tool.input_schema["properties"]) == [*parameters, *also]
        required = [item.name for item in parameters.values() if item.required]
        assert tool.input_schema.get("required", []) == required


async def test_every_tool_has_title_description_and_hints(tools):
    for name, tool in tools.items():
        spec = BY_NAME[name].spec
        assert tool.title == spec.heading
        assert tool.description == BY_NAME[name].summary()
        hints = tool.annotations
        assert hints.read_only_hint is (spec.effect == "read")
        assert hints.destructive_hint is (spec.effect == "destructive")
        assert hints.idempotent_hint is (None if spec.effect == "read" else spec.verb != "create")
        # What MCP has where it is left out: an open world.
        assert hints.open_world_hint is None


async def test_a_field_is_emptied_by_its_name(tools):
    update = tools["clerk_user_update"].input_schema["properties"]
    assert update["first_name"] == {"type": "string"}
    assert update["clear"]["items"] == {"type": "string"}


async def test_what_order_by_takes_can_be_learnt_from_the_list(tools):
    words = tools["clerk_organizations_list"].input_schema["properties"]["order_by"]["description"]
    assert "name" in words
    assert "members_count" in words
    assert "'-'" in words


async def test_bounds_that_clerk_states_are_listed(tools):
    limit = tools["clerk_users_list"].input_schema["properties"]["limit"]
    # A 0 is the desk's own, and asks for the total alone.
    assert limit == {"type": "integer", "maximum": 500}
    lifetime = tools["clerk_jwt_template_create"].input_schema["properties"]["lifetime"]
    assert (lifetime["minimum"], lifetime["maximum"]) == (30, 315360000)


async def test_only_what_the_settings_offer_is_listed(connect):
    async with connect(access="read", tools=("clerk_user*",)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names == ["clerk_users_list", "clerk_user_get"]


async def test_the_list_has_one_page(connect):
    async with connect() as client:
        assert (await client.list_tools()).next_cursor is None
        with pytest.raises(MCPError, match="one page"):
            await client.list_tools(cursor="2")


@pytest.mark.parametrize(
    ("options", "label", "rule"),
    [
        ({}, "test instance", "A person confirms every write"),
        ({"secret_key": "sk_live_x"}, "LIVE instance", "A person confirms every write"),
        ({"confirm": "never"}, "test instance", "happen at once"),
    ],
)
async def test_the_instructions_say_which_instance_and_who_confirms(connect, options, label, rule):
    async with connect(**options) as client:
        assert label in client.instructions
        assert rule in client.instructions
