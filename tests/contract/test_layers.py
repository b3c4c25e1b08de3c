import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import deskclerk

ROOT = Path(deskclerk.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

MAY_IMPORT = {
    "catalogue": {"errors"},
    "clerk": {"catalogue", "errors"},
    "desk": {"catalogue", "clerk", "database", "errors", "settings"},
    "faces": {"catalogue", "desk", "errors", "settings"},
    "sandbox": {"catalogue", "database", "errors"},
    "testing": {"errors", "sandbox"},
    "pytest_plugin": {"testing"},
    "database": {"errors"},
    "settings": {"errors"},
    "errors": set(),
}
"""The import law: which rooms, beside itself, a room may use."""

EXCEPTIONS = {
    ("desk/instance.py", "sandbox"),  # with no key at hand the desk opens the sandbox
    ("faces/cli/local_clerk.py", "sandbox"),  # `deskclerk sandbox` serves it
    ("faces/sandbox_reach.py", "sandbox"),  # its sub-commands and the console control it
}
"""Single modules that may use one room more."""


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=module)


@functools.cache
def imported(module: str) -> frozenset[str]:
    """Every dotted name that a module imports, inside functions and for type checks too."""
    names: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def room_of(module: str) -> str:
    return module.partition("/")[0].removesuffix(".py")


def rooms_used(module: str) -> set[str]:
    """The rooms that a module imports from, other than its own."""
    rooms = {name.split(".")[1] for name in imported(module) if name.startswith("deskclerk.")}
    return rooms & MAY_IMPORT.keys() - {room_of(module)}


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("__")])
def test_a_room_imports_only_the_rooms_below_it(module):
    beyond = rooms_used(module) - MAY_IMPORT[room_of(module)]
    assert {(module, room) for room in beyond} <= EXCEPTIONS


def test_no_room_goes_through_the_front_door_but_for_the_version():
    doors = {f"deskclerk.{room}" for room in MAY_IMPORT} | {"deskclerk.__version__"}
    assert {
        (module, name)
        for module in MODULES
        for name in imported(module)
        if module != "__init__.py" and re.match(r"deskclerk\b", name)
        if ".".join(name.split(".")[:2]) not in doors
    } == set()


def test_no_exception_of_the_import_law_is_out_of_date():
    assert {pair for pair in EXCEPTIONS if pair[1] not in rooms_used(pair[0])} == set()


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
