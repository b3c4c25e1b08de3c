"""What is not ours stays byte for byte, and taking the entry out brings back what was there."""

import pytest

from deskclerk.faces.clients import jsonc, toml, yaml
from deskclerk.faces.clients.editing import Unparsable, entry_at, with_entry, without_entry

ENTRY = {"command": "/opt/deskclerk", "args": ["mcp"], "env": {"A": "ü"}}
OTHER = {"command": "uvx", "args": ["deskclerk", "mcp"]}
JSON_KEYS, TOML_KEYS = ("mcpServers", "deskclerk"), ("mcp_servers", "deskclerk")
YAML_KEYS = ("extensions", "deskclerk")

JSON = {
    "empty object": "{}",
    "one line": '{"a": 1, "mcpServers": {"x": {"command": "x"}}}',
    "one line with room": '{ "a": 1 }',
    "comments": """\
// top
{
  "theme": "One Dark", // why not
  /* two
     lines */
  "mcpServers": { // ours and others
    // the first
    "x": {"url": "https://x.example//y", "headers": {"A": "\\"//no comment\\""}}, // trailing
  },
}
// end
""",
    "tabs": '{\n\t"a": [1, 2],\n\t"b": {\n\t\t"c": null\n\t}\n}\n',
    "four blanks on Windows": '{\r\n    "a": 1,\r\n    "mcpServers": {\r\n        "x": {}\r\n    }\r\n}\r\n',
    "byte order mark": '\ufeff{\n  "a": 1\n}',
    "no servers yet": '{\n  "mcpServers": {}\n,  "z": 1}\n',
    "a blank line first": '{\n\n  "mcpServers": {\n\n    "z": {}\n  }\n}\n',
    "mixed line ends": '{\r\n  "a": 1,\n  "b": 2\r\n}\n',
    "comment after the brace": "{ // c\n}",
}
TOML = {
    "comments": '# top\nmodel = "x" # why\n\n[mcp_servers.x]\nargs = [ "a", # c\n ]\n\n# end\n',
    "ours is not last": '[mcp_servers.x]\ncommand="y"\n[mcp_servers.x.env]\nA="b"\n\n[profiles.p]\nb = 2\n',
    "Windows": '[mcp_servers.x]\r\ncommand="y"\r\n',
    "blank lines at the end": "[a]\nb=1\n\n\n",
    "plain": "a = 1\n",
}
YAML = {
    "comments": "# top\nGOOSE_MODE: auto\nextensions:  # those\n  # first\n  x: {a: 1}   # t\n  y:\n"
    "    args:\n    - a\n    # end of y\n\n# end\nz: |\n  text\n",
    "empty braces": "a: 1\nextensions: {} # none\nb: 1\n",
    "four blanks": "extensions:\n    x:\n        args: []\n\n\nb: 2",
    "none": "a: 1\n",
    "Windows": "extensions:\r\n  x:\r\n    a: 1\r\n",
}
CASES = [
    pytest.param(form, keys, text, id=f"{form.__name__.rpartition('.')[2]}-{name}")
    for form, keys, texts in ((jsonc, JSON_KEYS, JSON), (toml, TOML_KEYS, TOML), (yaml, YAML_KEYS, YAML))
    for name, text in texts.items()
]
cases = pytest.mark.parametrize(("form", "keys", "text"), CASES)


def is_woven_into(text, longer):
    """Whether a text is left where one stretch is cut out of a longer one."""
    head = next((i for i, (a, b) in enumerate(zip(text, longer, strict=False)) if a != b), len(text))
    return text[head:] == longer[len(longer) - (len(text) - head) :]


@cases
def test_every_byte_outside_of_the_entry_stays(form, keys, text):
    written = with_entry(form, text, keys, ENTRY)
    assert entry_at(form.parse(written), keys) == ENTRY
    if "{} # none" not in text:
        assert is_woven_into(text, written)
    assert ("\r\n" in written) == ("\r\n" in text)


@cases
def test_the_second_time_there_is_nothing_to_do(form, keys, text):
    written = with_entry(form, text, keys, ENTRY)
    assert with_entry(form, written, keys, ENTRY) == written


@cases
def test_taking_it_out_brings_the_former_text_back(form, keys, text):
    written = with_entry(form, text, keys, ENTRY)
    assert without_entry(form, written, keys, backup=text) == text
    left = without_entry(form, written, keys)
    assert form.parse(left).keys() - {keys[0]} == form.parse(text).keys() - {keys[0]}
    assert without_entry(form, left, keys) == left


@cases
def test_without_a_backup_comments_and_neighbours_come_back_too(form, keys, text):
    if text == "{ // c\n}":
        return
    written = with_entry(form, text, keys, ENTRY)
    assert without_entry(form, written, keys) == text


@cases
def test_another_entry_takes_the_place_of_the_former_alone(form, keys, text):
    first = with_entry(form, text, keys, ENTRY)
    second = with_entry(form, first, keys, OTHER)
    assert second == with_entry(form, text, keys, OTHER)
    assert with_entry(form, second, keys, ENTRY) == first


@cases
def test_a_backup_that_is_older_than_other_changes_is_not_put_back(form, keys, text):
    written = with_entry(form, text, keys, ENTRY)
    older = {jsonc: "{}", toml: "z = 9\n", yaml: "z: 9\n"}[form]
    assert without_entry(form, written, keys, backup=older) == without_entry(form, written, keys)


@pytest.mark.parametrize("place", ["between", "last"])
def test_an_entry_that_somebody_moved_is_taken_out_and_leaves_strict_json(place):
    entries = {
        "between": '"a": 1,\n  "deskclerk": {},\n  "b": 2',
        "last": '"a": 1, // one\n  "deskclerk": {}',
    }
    text = f'{{"mcpServers": {{\n  {entries[place]}\n}}}}'
    left = without_entry(jsonc, text, JSON_KEYS)
    expected = {"between": '"a": 1,\n  "b": 2', "last": '"a": 1 // one'}
    assert left == f'{{"mcpServers": {{\n  {expected[place]}\n}}}}'


@pytest.mark.parametrize(
    ("form", "text", "line", "column"),
    [
        (jsonc, '{\n  // fine\n  "a": 1 "b": 2\n}', 3, 10),
        (jsonc, '{\n  "a": tru\n}', 2, 8),
        (jsonc, '{"a": /* never ends', 1, 7),
        (jsonc, "[1]", 1, 1),
        (toml, "a = 1\nb = \n", 2, 5),
        (yaml, "a: 1\nb: [1\nc: 2\n", 3, 2),
        (yaml, "- 1\n", 1, 1),
    ],
)
def test_a_text_that_cannot_be_read_says_where(form, text, line, column):
    with pytest.raises(Unparsable) as error:
        with_entry(form, text, ("a", "deskclerk"), ENTRY)
    assert (error.value.line, error.value.column) == (line, column)


@pytest.mark.parametrize(
    ("form", "keys", "text"),
    [
        (jsonc, JSON_KEYS, '{"mcpServers": []}'),
        (toml, TOML_KEYS, 'mcp_servers = {x = {command = "a"}}\n'),
        (yaml, YAML_KEYS, "extensions: {x: {a: 1}}\n"),
        (yaml, YAML_KEYS, "extensions:\n- a\n"),
        (
            toml,
            TOML_KEYS,
            'note = """\n[mcp_servers.deskclerk]\n"""\n[mcp_servers]\ndeskclerk = {command = "x"}\n',
        ),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(form, keys, text):
    with pytest.raises(Unparsable):
        with_entry(form, text, keys, ENTRY)
