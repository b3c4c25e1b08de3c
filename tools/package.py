"""Puts together what is published beside the wheel: the MCP bundle's folder, and the registry's server.json.

python tools/package.py bundle WHEEL FOLDER       what mcpb packs (make bundle)
python tools/package.py registry NAMESPACE FILE   server.json of io.github.you or com.example (make registry)

What both say of deskclerk stands in packaging/; version, description, tools and pins are put in here, from
where they are declared.
"""

import argparse
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))
from deskclerk.catalogue import TOOLSETS  # noqa: E402
from deskclerk.version import __version__  # noqa: E402

_PIN = re.compile(r"^(?P<pin>[a-z0-9][\w.-]*==[^\\\n]*?)\s*\\?$", re.MULTILINE)
_NAMESPACE = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+")


def main(arguments: list[str]) -> int:
    """Do what the words say; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    bundling = commands.add_parser("bundle")
    bundling.add_argument("wheel", type=Path)
    bundling.add_argument("folder", type=Path)
    registering = commands.add_parser("registry")
    registering.add_argument("namespace")
    registering.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "bundle":
        bundle(given.wheel, given.folder)
        return 0
    if not _NAMESPACE.fullmatch(given.namespace):
        parser.error(f"{given.namespace!r} is no namespace; one such as io.github.you or com.example")
    written = server_json(given.namespace)
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text(_text(written), "utf-8")
    print(f"{given.file}; before it is published, the README on PyPI needs this line:")
    print(f"<!-- mcp-name: {written['name']} -->")
    return 0


def bundle(wheel: Path, folder: Path) -> None:
    """What an MCP bundle holds: the manifest, the wheel, and the exact versions of what it needs."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "packaging" / "mcpb", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (wheel, ROOT / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, folder)
    (folder / "manifest.json").write_text(_text(manifest()), "utf-8")
    (folder / "pyproject.toml").write_text(_project(wheel.name), "utf-8")


def manifest() -> dict[str, Any]:
    """The manifest, complete."""
    project = _pyproject()
    said: dict[str, Any] = json.loads((ROOT / "packaging" / "mcpb" / "manifest.json").read_text("utf-8"))
    said |= {
        "version": __version__,
        "description": project["description"],
        "license": project["license"],
        "keywords": project["keywords"],
        "tools": [{"name": action.spec.name, "description": action.summary()} for action in TOOLSETS["core"]],
    }
    said["compatibility"]["runtimes"] = {"python": project["requires-python"]}
    said["user_config"]["toolsets"]["description"] += f": {_toolsets()}."
    return said


def server_json(namespace: str) -> dict[str, Any]:
    """What the MCP registry is told, under a namespace that whoever publishes it owns."""
    said: dict[str, Any] = json.loads((ROOT / "packaging" / "server.json").read_text("utf-8"))
    said |= {"name": f"{namespace}/deskclerk", "version": __version__}
    for package in said["packages"]:
        package["version"] = __version__
        for variable in package["environmentVariables"]:
            if variable["name"] == "DESKCLERK_TOOLSETS":
                variable["description"] += f": {_toolsets()}."
    return said


def _project(wheel: str) -> str:
    """The bundle's pyproject.toml: this wheel, on the versions that its tests passed with."""
    pins = [match["pin"] for match in _PIN.finditer((ROOT / "requirements" / "run.txt").read_text("utf-8"))]
    lines = [
        "[project]",
        'name = "deskclerk-bundle"',
        f'version = "{__version__}"',
        f'requires-python = "{_pyproject()["requires-python"]}"',
        'dependencies = ["deskclerk"]',
        "",
        "[tool.uv]",
        "package = false",
        "constraint-dependencies = [",
        *(f"  {json.dumps(pin)}," for pin in pins),
        "]",
        "",
        "[tool.uv.sources]",
        f"deskclerk = {{ path = {json.dumps(wheel)} }}",
    ]
    return "\n".join(lines) + "\n"


def _toolsets() -> str:
    return ", ".join(TOOLSETS)


def _pyproject() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
