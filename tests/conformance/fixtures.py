"""What the conformance suite wants to find on a server: tools, resources and prompts of its own.

They are mounted on deskclerk's own server, beside its tools and behind its middleware. Names, texts and
schemas are what the scenarios ask for.
"""

import asyncio
import base64
import json
import re
import struct
import zlib

import mcp_types as types
from mcp.shared.exceptions import MCPError

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}
_WAIT = 0.05
"""Seconds between two messages of one call: the suite wants to see them come one by one."""


def _png():
    """One red pixel."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def _wav():
    """Four silent samples."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    data = b"data" + struct.pack("<I", 4) + b"\x80" * 4
    return base64.b64encode(
        b"RIFF" + struct.pack("<I", 4 + len(form) + len(data)) + b"WAVE" + form + data
    ).decode()


IMAGE = types.ImageContent(data=_png(), mime_type="image/png")
AUDIO = types.AudioContent(data=_wav(), mime_type="audio/wav")


def text(words):
    return types.TextContent(text=words)


def resource(uri, words, mime_type="text/plain"):
    return types.EmbeddedResource(
        resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    )


def done(*content):
    return types.CallToolResult(content=list(content))


# Tools that answer at once.


async def simple_text(ctx, params):
    return done(text("This is a simple text response for testing."))


async def image(ctx, params):
    return done(IMAGE)


async def audio(ctx, params):
    return done(AUDIO)


async def embedded_resource(ctx, params):
    return done(resource("test://embedded-resource", "This is an embedded resource content."))


async def mixed(ctx, params):
    found = json.dumps({"test": "data", "value": 123})
    mixed_in = resource("test://mixed-content-resource", found, "application/json")
    return done(text("Multiple content types test:"), IMAGE, mixed_in)


async def failing(ctx, params):
    words = "This tool intentionally returns an error for testing"
    return types.CallToolResult(content=[text(words)], is_error=True)


async def echo(ctx, params):
    return done(text(json.dumps(params.arguments)))


# Tools that speak before they answer.


async def logging(ctx, params):
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", words, related_request_id=ctx.request_id)
        await asyncio.sleep(_WAIT)
    return done(text("Logged."))


async def progress(ctx, params):
    for reached in (0, 50, 100):
        await ctx.session.report_progress(reached, 100)
        await asyncio.sleep(_WAIT)
    return done(text("Progressed."))


# Tools that ask back over the connection: the handshake era.


async def sampling(ctx, params):
    message = types.SamplingMessage(role="user", content=text(params.arguments["prompt"]))
    result = await ctx.session.create_message([message], max_tokens=100, related_request_id=ctx.request_id)
    return done(text(f"LLM response: {result.content.text}"))


def _form(properties, required=()):
    return {"type": "object", "properties": properties, "required": list(required)}


async def _elicited(ctx, message, schema):
    result = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return done(text(f"Elicitation completed: action={result.action}, content={json.dumps(result.content)}"))


async def elicitation(ctx, params):
    fields = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return await _elicited(ctx, params.arguments["message"], _form(fields, fields))


async def elicitation_defaults(ctx, params):
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await _elicited(ctx, "Please fill in.", _form(fields))


async def elicitation_enums(ctx, params):
    plain = ["option1", "option2", "option3"]

    def titled(words):
        return [
            {"const": f"value{number}", "title": f"{word} {words}"} for number, word in enumerate(_COUNTED, 1)
        ]

    fields = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
    }
    return await _elicited(ctx, "Please choose.", _form(fields))


_COUNTED = ("First", "Second", "Third")


# Tools that ask by an answer that wants input: the stateless era.


def _ask(message, **fields):
    schema = _form({name: {"type": kind} for name, kind in fields.items()}, fields)
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(words, most=100):
    message = types.SamplingMessage(role="user", content=text(words))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=most)
    )


def asks_once(state=None, **requests):
    """A handler that asks these in its first round and again for as long as one is not answered."""

    async def handler(ctx, params):
        given = params.input_responses or {}
        if not set(requests) <= set(given):
            return types.InputRequiredResult(input_requests=requests, request_state=state)
        # No look at the state that came back: deskclerk's middleware lets none through but its own.
        words = " ".join(str(given[name].model_dump(mode="json")) for name in requests)
        return done(text(f"state-ok {words}" if state else words))

    return handler


async def multi_round(ctx, params):
    given, state = params.input_responses or {}, params.request_state
    if state is None:
        asked = {"step1": _ask("Step 1: What is your name?", name="string")}
        return types.InputRequiredResult(input_requests=asked, request_state="one")
    if state == "one" and "step1" in given:
        asked = {"step2": _ask("Step 2: What is your favorite color?", color="string")}
        return types.InputRequiredResult(input_requests=asked, request_state="two")
    return done(text("All rounds are done."))


async def what_the_client_can(ctx, params):
    has, asked = ctx.session.client_capabilities, {}
    if has.sampling is not None:
        asked["capital_question"] = _sample("What is the capital of France?")
    if has.elicitation is not None:
        asked["user_name"] = _ask("What is your name?", name="string")
    if has.roots is not None:
        asked["client_roots"] = types.ListRootsRequest()
    return types.InputRequiredResult(input_requests=asked)


async def needs_sampling(ctx, params):
    if ctx.session.client_capabilities.sampling is None:
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling.", data)
    return done(text("The client can."))


TOOLS = {
    "test_simple_text": simple_text,
    "test_image_content": image,
    "test_audio_content": audio,
    "test_embedded_resource": embedded_resource,
    "test_multiple_content_types": mixed,
    "test_error_handling": failing,
    "test_tool_with_logging": logging,
    "test_tool_with_progress": progress,
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicitation_defaults,
    "test_elicitation_sep1330_enums": elicitation_enums,
    "json_schema_2020_12_tool": echo,
    "test_custom_headers": echo,
    "test_missing_capability": needs_sampling,
    "test_logging_tool": logging,
    "test_streaming_elicitation": asks_once(user_name=_ask("What is your name?", name="string")),
    "test_input_required_result_elicitation": asks_once(user_name=_ask("What is your name?", name="string")),
    "test_input_required_result_sampling": asks_once(
        capital_question=_sample("What is the capital of France?")
    ),
    "test_input_required_result_list_roots": asks_once(client_roots=types.ListRootsRequest()),
    "test_input_required_result_request_state": asks_once(
        "kept", confirm=_ask("Please confirm", ok="boolean")
    ),
    "test_input_required_result_multiple_inputs": asks_once(
        "kept",
        user_name=_ask("What is your name?", name="string"),
        greeting=_sample("Generate a greeting", 50),
        client_roots=types.ListRootsRequest(),
    ),
    "test_input_required_result_multi_round": multi_round,
    "test_input_required_result_tampered_state": asks_once(
        "kept", confirm=_ask("Please confirm", ok="boolean")
    ),
    "test_input_required_result_capabilities": what_the_client_can,
}
SCHEMAS = {
    "test_sampling": _form({"prompt": {"type": "string"}}, ["prompt"]),
    "test_elicitation": _form({"message": {"type": "string"}}, ["message"]),
    "test_custom_headers": _form({"region": {"type": "string", "x-mcp-header": "Region"}}, ["region"]),
    "json_schema_2020_12_tool": {
        "$schema": _SCHEMA,
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}

# Prompts.


def _said(*content):
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=item) for item in content]
    )


async def get_prompt(ctx, params):
    given = params.arguments or {}
    if params.name == "test_simple_prompt":
        return _said(text("This is a simple prompt for testing."))
    if params.name == "test_prompt_with_arguments":
        return _said(text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"))
    if params.name == "test_prompt_with_embedded_resource":
        embedded = resource(given["resourceUri"], "Embedded resource content for testing.")
        return _said(embedded, text("Please process the embedded resource above."))
    if params.name == "test_prompt_with_image":
        return _said(IMAGE, text("Please analyze the image above."))
    if params.name == "test_input_required_result_prompt":
        if "user_context" not in (params.input_responses or {}):
            asked = {"user_context": _ask("What context should the prompt use?", context="string")}
            return types.InputRequiredResult(input_requests=asked)
        return _said(text("With the context that was given."))
    raise MCPError(types.INVALID_PARAMS, "no such prompt")


PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


async def list_prompts(ctx, params):
    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=name,
                description="For the conformance suite.",
                arguments=[
                    types.PromptArgument(name=item, description="An argument.", required=True)
                    for item in arguments
                ],
            )
            for name, arguments in PROMPTS.items()
        ]
    )


async def complete(ctx, params):
    return types.CompleteResult(
        completion=types.Completion(values=["paris", "park"], total=2, has_more=False)
    )


# Resources.

_TEMPLATE = re.compile(r"test://template/([^/]+)/data")
_LISTED = {
    "test://static-text": "text/plain",
    "test://static-binary": "image/png",
    "test://watched-resource": "text/plain",
}


async def list_resources(ctx, params):
    return types.ListResourcesResult(
        resources=[
            types.Resource(uri=uri, name=uri, description="For the conformance suite.", mime_type=kind)
            for uri, kind in _LISTED.items()
        ]
    )


async def list_templates(ctx, params):
    template = types.ResourceTemplate(uri_template="test://template/{id}/data", name="template")
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(ctx, params):
    uri = str(params.uri)
    if found := _TEMPLATE.fullmatch(uri):
        words = json.dumps({"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"})
        content = types.TextResourceContents(uri=uri, mime_type="application/json", text=words)
    elif uri == "test://static-binary":
        content = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=_png())
    elif uri in _LISTED:
        words = "This is the content of the static text resource."
        content = types.TextResourceContents(uri=uri, mime_type="text/plain", text=words)
    else:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult(contents=[content])


async def nothing(ctx, params):
    return types.EmptyResult()


def mount(server):
    """Puts all of it on a server of deskclerk's; what it answers by itself stays as it is."""
    list_tools = server.get_request_handler("tools/list").handler
    call_tool = server.get_request_handler("tools/call").handler
    schema_of = server.get_tool_input_schema

    async def list_all(ctx, params):
        result = await list_tools(ctx, params)
        mine = [
            types.Tool(
                name=name, description="For the conformance suite.", input_schema=SCHEMAS.get(name, _NOTHING)
            )
            for name in TOOLS
        ]
        return types.ListToolsResult(tools=[*result.tools, *mine])

    async def call(ctx, params):
        return await TOOLS.get(params.name, call_tool)(ctx, params)

    server.get_tool_input_schema = lambda name: SCHEMAS.get(name) or schema_of(name)
    for method, takes, handler in (
        ("tools/list", types.PaginatedRequestParams, list_all),
        ("tools/call", types.CallToolRequestParams, call),
        ("prompts/list", types.PaginatedRequestParams, list_prompts),
        ("prompts/get", types.GetPromptRequestParams, get_prompt),
        ("resources/list", types.PaginatedRequestParams, list_resources),
        ("resources/templates/list", types.PaginatedRequestParams, list_templates),
        ("resources/read", types.ReadResourceRequestParams, read_resource),
        ("resources/subscribe", types.SubscribeRequestParams, nothing),
        ("resources/unsubscribe", types.UnsubscribeRequestParams, nothing),
        ("logging/setLevel", types.SetLevelRequestParams, nothing),
        ("completion/complete", types.CompleteRequestParams, complete),
    ):
        server.add_request_handler(method, takes, handler)
    return server
