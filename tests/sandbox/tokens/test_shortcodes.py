"""The shortcode language of JWT templates."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskclerk.sandbox.tokens.template_tokens import render

ATTRIBUTES = {
    "user": {
        "id": "user_1",
        "first_name": "Ada",
        "last_name": None,
        "email_verified": False,
        "created_at": 1_700_000_000_000,
        "public_metadata": {"plan": "pro", "seats": 3, "deep": {"list": [1, {"a": None}]}, "none": None},
    }
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLAIN = JSON.filter(lambda value: "{{" not in json.dumps(value))
LITERALS = (
    st.integers(-(10**14), 10**14)
    | st.booleans()
    | st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"]))
)
NAMES = st.from_regex(r"[a-zA-Z_-]{1,8}", fullmatch=True)
quickly = settings(max_examples=50, deadline=None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{user.id}}", "user_1"),
        ("{{ user.created_at }}", 1_700_000_000_000),
        ("{{user.email_verified}}", False),
        ("{{user.public_metadata.deep.list}}", [1, {"a": None}]),
        ("{{user.public_metadata.seats}}", 3),
        ("{{user.last_name}}", None),
        ("{{user.nobody_knows}}", None),
        ("{{nobody.knows}}", None),
        ("{{user}}", None),
        ("{{user.id.more}}", None),
        ("{{}}", None),
        ("{{user.last_name}} {{user.first_name}}", "null Ada"),
        ("{{user.id}} ", "user_1 "),
        ("n={{user.public_metadata.seats}}, {{user.public_metadata.deep}}", 'n=3, {"list":[1,{"a":null}]}'),
        ("{{user.email_verified}}?", "false?"),
        ("{{user.last_name || user.first_name}}", "Ada"),
        ("{{user.email_verified || 'no'}}", "no"),
        ("{{user.last_name || user.email_verified}}", False),
        ("{{user.email_verified || user.last_name}}", None),
        ("{{user.public_metadata.none || -1.5 }}", -1.5),
        ("{{user.last_name || ''}}", ""),
        ("{{user.last_name || 'a || b }} c'}}", "a || b }} c"),
        ("{{user.last_name || 0 || 'more'}}", 0),
        ("{{user.last_name || true}}", True),
        ("{{'unclosed}}", "{{'unclosed}}"),
        ("{user.id}", "{user.id}"),
        ("{{user.id", "{{user.id"),
    ],
)
def test_a_shortcode_becomes_its_value(text, value):
    found = render({"claim": [text]}, ATTRIBUTES)["claim"][0]
    assert (found, type(found)) == (value, type(value))


def test_names_of_claims_stay_as_they_are():
    assert render({"{{user.id}}": {"{{user.id}}": 1}}, ATTRIBUTES) == {"{{user.id}}": {"{{user.id}}": 1}}


@quickly
@given(PLAIN)
def test_what_has_no_shortcode_stays_as_it_is(claims):
    assert render(claims, ATTRIBUTES) == claims


@quickly
@given(NAMES, JSON)
def test_a_text_that_is_one_shortcode_keeps_the_type_of_its_value(name, value):
    attributes = {"user": {"public_metadata": {name: value}}}
    assert render(f"{{{{user.public_metadata.{name}}}}}", attributes) == value


@quickly
@given(JSON, st.text(min_size=1).filter(lambda text: not set(text) & set("{}'")))
def test_inside_text_every_value_becomes_text(value, around):
    found = render(around + "{{user.value}}", {"user": {"value": value}})
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert found == around + shown


@quickly
@given(st.lists(LITERALS | st.none(), min_size=1, max_size=5))
def test_a_fallback_is_the_first_operand_that_is_neither_null_nor_false_else_the_last(operands):
    def written(value):
        if value is None:
            return "user.unknown"
        return f"'{value}'" if isinstance(value, str) else json.dumps(value)

    kept = [value for value in operands if value is not None and value is not False]
    expected = kept[0] if kept else operands[-1]
    assert render("{{" + " || ".join(map(written, operands)) + "}}", ATTRIBUTES) == expected


def test_shortcodes_in_what_users_wrote_stay_text():
    attributes = {"user": {"id": "user_1", "first_name": "{{user.id}}"}}
    assert render(["{{user.first_name}}", "-{{user.first_name}}-"], attributes) == [
        "{{user.id}}",
        "-{{user.id}}-",
    ]
