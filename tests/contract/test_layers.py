"""The import law and the other laws of the house: read from the source, not from what happens to run."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import deskclerk
from deskclerk.catalogue import ACTIONS, EVERY_ACTION
from deskclerk.desk.consequences.default import Consequences
from deskclerk.desk.consequences.lookup import consequences_of

ROOT = Path(deskclerk.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

MAY_IMPORT = {
    "catalogue": {"errors"},
    "clerk": {"catalogue", "errors", "version"},
    "desk": {"catalogue", "clerk", "database", "errors", "settings", "system"},
    "faces": {"catalogue", "desk", "errors", "http_server", "settings", "system", "version"},
    "hosted": {"catalogue", "database", "desk", "errors", "settings", "version"},
    "sandbox": {"catalogue", "database", "errors", "http_server"},
    "testing": {"errors", "sandbox"},
    "pytest_plugin": {"testing"},
    "database": {"errors", "system"},
    "http_server": set(),
    "settings": {"errors"},
    "errors": set(),
    "system": set(),
    "version": set(),
}
"""The import law: which rooms, beside itself, a room may use."""

EXCEPTIONS = {
    ("desk/instances/instance.py", "sandbox"),  # with no key at hand the desk opens the sandbox
    ("faces/cli/serve.py", "hosted"),  # what watches a server, where the settings ask for it
    ("faces/cli/hosted.py", "hosted"),  # `deskclerk hosted` looks after one
    ("faces/cli/sandbox.py", "sandbox"),  # `deskclerk sandbox` serves it
    ("faces/sandbox_access.py", "sandbox"),  # its sub-commands and the console control it
}
"""Single modules that may use one room more."""
FACE_OF_HOSTED = "faces/hosted/"
"""The one face that may use the room `hosted`."""

NAMES = {action.spec.name for action in EVERY_ACTION}
# Those of the core: further ones, such as "count", are words that code has for other things.
VERBS = {action.spec.verb for action in ACTIONS}


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=module)


def _names(node: ast.AST, module: str) -> Iterator[str]:
    """The dotted names of an import statement."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: imports are written in full"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def imported(module: str) -> frozenset[str]:
    """Every dotted name that a module imports, inside functions and for type checks too."""
    return frozenset(name for node in ast.walk(tree(module)) for name in _names(node, module))


def room_of(module: str) -> str:
    return module.partition("/")[0].removesuffix(".py")


def rooms_used(module: str) -> set[str]:
    """The rooms that a module imports from, other than its own."""
    rooms = {name.split(".")[1] for name in imported(module) if name.startswith("deskclerk.")}
    return rooms & MAY_IMPORT.keys() - {room_of(module)}


def module_of(dotted: str) -> str | None:
    """The module that a dotted name is of: itself, or what it is defined in."""
    for name in (dotted, dotted.rpartition(".")[0]):
        path = name.removeprefix("deskclerk").lstrip(".").replace(".", "/")
        for found in (f"{path}.py", f"{path}/__init__.py".lstrip("/")):
            if found in MODULES and name.startswith("deskclerk"):
                return found
    return None


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("__")])
def test_a_room_imports_only_the_rooms_below_it(module):
    beyond = rooms_used(module) - MAY_IMPORT[room_of(module)]
    beyond -= {"hosted"} if module.startswith(FACE_OF_HOSTED) else set()
    assert {(module, room) for room in beyond} <= EXCEPTIONS


def test_no_room_goes_through_the_front_door():
    doors = {f"deskclerk.{room}" for room in MAY_IMPORT}
    assert {
        (module, name)
        for module in MODULES
        for name in imported(module)
        if module != "__init__.py" and re.match(r"deskclerk\b", name)
        if ".".join(name.split(".")[:2]) not in doors
    } == set()


def test_no_exception_of_the_import_law_is_out_of_date():
    assert {pair for pair in EXCEPTIONS if pair[1] not in rooms_used(pair[0])} == set()


def test_modules_form_no_circle_in_functions_and_type_checks_neither():
    graph = {
        module: {found for name in imported(module) if (found := module_of(name)) and found != module}
        for module in MODULES
    }
    assert circle_in(graph) == []


@pytest.mark.parametrize("outer", ["desk", "faces"])
def test_rooms_within_a_room_form_no_circle_and_type_checks_hide_none(outer):
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        parts = module.split("/")
        if parts[0] != outer or len(parts) < 3:
            continue
        used = graph.setdefault(parts[1], set())
        for name in imported(module):
            found = (module_of(name) or "").split("/")
            if found[0] == outer and len(found) > 2 and found[1] != parts[1]:
                used.add(found[1])
    assert circle_in(graph) == []


def test_a_module_stands_in_the_room_that_says_what_it_is_for():
    undescribed = {
        module for module in MODULES if module.endswith("__init__.py") and not ast.get_docstring(tree(module))
    }
    assert undescribed == set()


def test_only_the_settings_read_the_environment():
    readers = {
        module
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute | ast.alias)
        and getattr(node, "attr", getattr(node, "name", "")) in ("environ", "environb", "getenv")
    }
    assert readers == {"settings.py"}


def test_only_the_mcp_face_knows_mcp():
    users = {
        module
        for module in MODULES
        for name in imported(module)
        if name.split(".")[0] in ("mcp", "mcp_types")
    }
    assert {module for module in users if not module.startswith("faces/mcp/")} == set()


def test_the_command_line_does_not_load_mcp():
    found = "import sys, deskclerk.faces.cli.main; print(sorted({'mcp', 'mcp_types'} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def _constants(node: ast.AST | None) -> set[str]:
    """The texts that a key, an element or a pattern is made of."""
    return {
        str(item.value)
        for item in (ast.walk(node) if node else ())
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }


def tables_of_actions(module: str) -> Iterator[tuple[str, int, set[str]]]:
    """Where a module decides by the name or the verb of an action: tables, patterns, comparisons, sets."""
    for node in ast.walk(tree(module)):
        told: set[str] = set()
        if isinstance(node, ast.Dict):
            told = set().union(*map(_constants, node.keys))
            told = told & NAMES | (told & VERBS if len(told & VERBS) > 1 else set())
        elif isinstance(node, ast.Set | ast.Tuple | ast.List):
            found = {
                text for item in node.elts if isinstance(item, ast.Constant) for text in _constants(item)
            }
            told = found & NAMES | (found & VERBS if len(found & VERBS) > 1 else set())
        elif isinstance(node, ast.MatchValue | ast.Compare):
            told = _constants(node) & (NAMES | VERBS)
        if told:
            yield module, node.lineno, told


ELSEWHERE = [
    module
    for module in MODULES
    if module.startswith(("desk/", "faces/"))
    if not module.startswith(("desk/consequences/", "desk/journal/migrations/"))
]


def test_what_is_known_of_an_action_stands_in_its_consequences_and_in_no_table_elsewhere():
    found = [place for module in ELSEWHERE for place in tables_of_actions(module)]
    assert found == []


ENGINES = [module for module in MODULES if module.startswith(("desk/undo/", "desk/execution/"))]
RESOURCES = {action.spec.resource.one for action in EVERY_ACTION}
RESOURCES |= {action.spec.resource.plural for action in EVERY_ACTION}
# The desk's own word too: which Clerk it works on.
RESOURCES -= {"instance"}


@pytest.mark.parametrize("module", ENGINES)
def test_the_engines_of_undo_and_of_settling_hold_no_resources_name(module):
    docstrings = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    said = _constants(tree(module)) - docstrings
    spoken = {
        word
        for word in RESOURCES
        for text in said
        if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
    }
    assert spoken == set()
    classes = {action.__name__ for action in EVERY_ACTION}
    assert {name.rpartition(".")[2] for name in imported(module)} & classes == set()


@pytest.mark.parametrize("action", Consequences.entries, ids=lambda action: action.spec.name)
def test_an_entry_stands_in_the_module_of_its_resource(action):
    entry = type(consequences_of(action))
    assert entry.__module__.rpartition(".")[2] == action.__module__.rpartition(".")[2]


def test_only_one_module_knows_apprise_and_none_loads_it_before_it_is_needed():
    users = {module for module in MODULES for name in imported(module) if name.split(".")[0] == "apprise"}
    assert users == {"desk/notifications/services.py"}
    found = "import sys, deskclerk.desk, deskclerk.faces.cli.main; print('apprise' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
