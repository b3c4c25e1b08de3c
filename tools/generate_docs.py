"""Writes what is derived from the code: pages in docs/, the README's table of actions.

python tools/generate_docs.py            write them
python tools/generate_docs.py --check    write nothing; fail if one of them is stale
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from deskclerk.catalogue import ACTIONS, Action, Parameter, Route
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.faces.command_words import flag, positional, usage
from deskclerk.sandbox.divergences import DIVERGENCES, EVERYWHERE
from deskclerk.sandbox.http.routes import all_operations, not_served

ROOT = Path(__file__).parent.parent
# The promises stand with the tests that keep them.
sys.path.insert(0, str(ROOT))
from tests.promises import GROUPS, MUTATIONS, Kept, Promise, keeping_tests  # noqa: E402

BEGIN, END = "<!-- actions -->", "<!-- /actions -->"
_WHERE = {"local": "desk"}
_HEAD = f"""\
# The {len(ACTIONS)} actions

Generated from the catalogue (`src/deskclerk/catalogue`) by `tools/generate_docs.py`; a change belongs there.

An action is asked for by its name over MCP and with `deskclerk call NAME JSON`, and by its command on the
command line. Effects: `read` changes nothing, `write` can be taken back, `destructive` cannot.

In the tables, *where* says where a parameter travels: in the `path`, the `query` or the `body` of the
request, or not at all (`desk`: it shapes the answer). A **required** parameter must be given; `null` among
what it takes is sent as such and clears the value, which `clear: ["first_name"]` does as well. A *secret*
is never shown or kept, and the command line reads it from a prompt or a file only. A *time* is ISO 8601
(UTC if no zone) or milliseconds.

Where a user is wanted (`user_id`, `created_by`, `inviter_user_id`, `requesting_user_id`), an e-mail address,
a phone number, a username or an external id does as well; where an organization (`organization_id`), its slug.
`limit: 0` asks a list for its total alone. Over MCP a list shows less of each thing than a get of one.
"""

_PROMISES_HEAD = """\
# What is promised, and what keeps it

Generated from `tests/promises.toml` and from the tests that name a promise, by `tools/generate_docs.py`; a
change belongs there. A test fails where a promise has no test, where a test names none that there is, and
where a sentence of the README is neither listed as a promise nor as none.

Marked ✗ is a test that was seen to fail: `make test-mutations` breaks a line in a copy of the source, and
the named test has to notice.
"""

_SANDBOX_HEAD = """\
# What the sandbox serves

Generated from its routes and from `src/deskclerk/sandbox/divergences.py` by `tools/generate_docs.py`;
a change belongs there. How to run and control it: [sandbox-guide.md](sandbox-guide.md).
"""


def main(arguments: list[str]) -> int:
    """Write or check the generated texts; the exit code."""
    check = "--check" in arguments
    fresh = settle(ROOT / "docs" / "actions.md", reference(), check=check)
    fresh = settle(ROOT / "docs" / "sandbox.md", coverage(), check=check) and fresh
    fresh = settle(ROOT / "docs" / "promises.md", promises(), check=check) and fresh
    readme = ROOT / "README.md"
    return 0 if settle(readme, with_table(readme), check=check) and fresh else 1


def settle(path: Path, text: str, *, check: bool) -> bool:
    """Have the file hold this text; with `check`, only say whether it does."""
    if path.exists() and path.read_text("utf-8") == text:
        return True
    name = path.relative_to(ROOT)
    if check:
        print(f"{name} is stale: run python tools/generate_docs.py", file=sys.stderr)
        return False
    path.write_text(text, "utf-8")
    print(f"{name}: {len(text.splitlines())} lines written")
    return True


def reference() -> str:
    """docs/actions.md: every action with its parameters."""
    parts = [_HEAD]
    plural = ""
    for action in ACTIONS:
        if action.spec.resource.plural != plural:
            plural = action.spec.resource.plural
            parts.append(f"## {plural}\n")
        parts.append(section(action))
    return "\n".join(parts)


def promises() -> str:
    """docs/promises.md: every promise with the tests that keep it."""
    kept = keeping_tests()
    lines = [_PROMISES_HEAD]
    for title, group in GROUPS.items():
        lines += [f"## {title}", ""]
        lines += [line for promise in group for line in _promise(promise, kept)]
    return "\n".join(lines)


def _promise(promise: Promise, kept: list[Kept]) -> list[str]:
    lines = [f"**{promise.text}** (`{promise.name}`)", ""]
    broken = {item.test for item in MUTATIONS if item.promise == promise.name}
    for item in kept:
        if item.promise == promise.name:
            mark = " ✗" if f"{item.file}::{item.test}" in broken else ""
            lines.append(f"- [{item.test.removeprefix('test_').replace('_', ' ')}](../{item.file}){mark}")
    return [*lines, ""]


def coverage() -> str:
    """docs/sandbox.md: every operation of Clerk's, whether the sandbox serves it, and how it differs."""
    absent, operations = set(not_served()), all_operations()
    if unknown := DIVERGENCES.keys() - {str(route) for route in operations if route not in absent}:
        sys.exit(f"sandbox/divergences.py names what is not served: {', '.join(sorted(unknown))}")
    served, by_part = len(operations) - len(absent), dict[str, list[Route]]()
    for route in sorted(operations, key=lambda route: (route.path, route.method)):
        by_part.setdefault(route.path.split("/")[1], []).append(route)
    lines = [
        _SANDBOX_HEAD,
        f"Of the {len(operations)} operations of the newest API version it serves **{served}**.\n",
        "## Everywhere\n",
        *(f"- {text}" for text in EVERYWHERE),
    ]
    for part, routes in by_part.items():
        here = sum(route not in absent for route in routes)
        lines += [
            f"\n## {part}: {here} of {len(routes)}\n",
            "| operation | served | differs |",
            "| --- | --- | --- |",
        ]
        lines += [covered(route, served=route not in absent) for route in routes]
    return "\n".join(lines) + "\n"


def covered(route: Route, *, served: bool) -> str:
    """One operation as a row."""
    return f"| `{route}` | {'yes' if served else 'no'} | {' '.join(DIVERGENCES.get(str(route), ()))} |"


def section(action: type[Action]) -> str:
    """One action: what it does, how it is called, its parameters."""
    spec = action.spec
    back = consequences_of(action).undone_by
    routes = ", then ".join(f"`{route}`" for route in spec.routes)
    lines = [
        f"### {spec.name}\n",
        f"{action.summary()}\n",
        f"- Command: `deskclerk {usage(action)}`",
        f"- Effect: {spec.effect}{f'; taken back by `{back.spec.name}`' if back else ''}",
        f"- {'Routes' if spec.also else 'Route'}: {routes}",
    ]
    if "fields" in action.parameters():
        lines.append(f"- Shows, unless `fields` says otherwise: {', '.join(spec.resource.brief)}")
    lines.append("")
    if action.parameters():
        lines += ["| parameter | takes | where | option | notes |", "| --- | --- | --- | --- | --- |"]
        lines += [row(action, item) for item in action.parameters().values()]
        lines.append("")
    return "\n".join(lines)


def row(action: type[Action], item: Parameter) -> str:
    """One parameter as a row."""
    takes = f"time{' or null' if item.nullable else ''}" if item.times else item.accepted
    option = item.name.upper() if item.name in positional(action) else flag(item.name)
    cells = [f"`{item.name}`", takes, _WHERE.get(item.where, item.where), f"`{option}`", notes(item)]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def notes(item: Parameter) -> str:
    """What else is to be known of a parameter."""
    parts: Iterable[str] = (
        "**required**" if item.required else "",
        "secret" if item.secret else "",
        item.description or ("keys to show, `*` for all" if item.name == "fields" else ""),
        f"one of {', '.join(item.sorts)}, `-` before it for descending order" if item.sorts else "",
        "merged deeply; null deletes a key" if item.metadata else "",
        f"default {str(item.default).lower()}" if item.default is not None else "",
    )
    return "; ".join(part for part in parts if part)


def with_table(readme: Path) -> str:
    """The README with its table of actions renewed; exits if the place for it is not marked."""
    text = readme.read_text("utf-8") if readme.exists() else ""
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        sys.exit(f"README.md: the lines {BEGIN} and {END} mark where the table of actions goes; add them.")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def table() -> str:
    """The actions as a compact table."""
    rows = ["| action | command | effect | what it does |", "| --- | --- | --- | --- |"]
    rows += [
        f"| [`{action.spec.name}`](docs/actions.md#{action.spec.name}) | `{short(action)}` "
        f"| {action.spec.effect} | {action.summary()} |"
        for action in ACTIONS
    ]
    return "\n".join(rows)


def short(action: type[Action]) -> str:
    """The command without its options."""
    ids = [name.upper() for name in positional(action)]
    return " ".join([action.spec.resource.plural, action.spec.verb, *ids])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
