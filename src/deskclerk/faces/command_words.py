"""How an action is spelt as a command: its places, its flags, and what stands for a value.

Apart from the command line, so that a page can show a command without loading one.
"""

from deskclerk.catalogue import Action, Parameter


def positional(action: type[Action]) -> tuple[str, ...]:
    """The parameters that stand without an option: the ids in the path, and whatever a `get` needs."""
    needed = [item.name for item in action.parameters().values() if item.required]
    return tuple(needed) if action.spec.reads_one else action.spec.route.names


def usage(action: type[Action]) -> str:
    """How the action is called, such as `users ban USER_ID`; required options included."""
    ids = [name.upper() for name in positional(action)]
    return " ".join([action.spec.resource.plural, action.spec.verb, *ids, *required_options(action)])


def required_options(action: type[Action]) -> list[str]:
    """The options that the action cannot do without, such as `--role TEXT`."""
    places = positional(action)
    return [
        f"{flag(item.name)} {metavar(item)}"
        for item in action.parameters().values()
        if item.required and item.name not in places
    ]


def flag(name: str) -> str:
    """A parameter's name as an option."""
    return f"--{name.replace('_', '-')}"


def metavar(item: Parameter) -> str:
    """What stands for a parameter's value in a usage line."""
    schema = item.schema.get("items", item.schema)
    if item.secret:
        return "-|@FILE"
    if item.upload:
        return "FILE"
    if item.times:
        return "TIME"
    if item.sorts:
        return "[-]FIELD"
    if "enum" in schema:
        return "|".join(schema["enum"])
    return {"object": "JSON", "integer": "NUMBER", "number": "NUMBER"}.get(schema["type"], "TEXT")
