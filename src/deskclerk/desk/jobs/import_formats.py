"""Files of many records, read one by one into the arguments of an action.

Users come as another provider exports them (`import_providers.py` knows the fields), or in a format of our
own: CSV or JSON lines whose columns are an action's parameters. A record that is wrong comes out with what
is wrong with it, and the next one is read: whoever imports wants to hear of everything at once. A file that
cannot be read as what it is said to be is refused with InvalidRequest. CSV and JSON lines are read in
constant memory.
"""

import csv
import functools
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from deskclerk.catalogue import CreateUser, Parameter
from deskclerk.catalogue.coercion import near_name
from deskclerk.catalogue.fields import is_reference, parse_time
from deskclerk.desk.jobs import import_providers as providers
from deskclerk.desk.jobs.import_providers import Draft, name_shown
from deskclerk.desk.jobs.rows import Row
from deskclerk.errors import InvalidRequest

FORMATS: tuple[str, ...] = (
    *("clerk", "auth0", "firebase", "supabase", "cognito", "better-auth"),
    *("csv", "ndjson"),
)
"""What `read_users` reads; the last two are our own."""
_OURS = ("csv", "ndjson")
_WRAPPERS = {"firebase": ("users",), "cognito": ("Users",), "better-auth": ("user", "users")}
"""Where a provider's JSON document has its list, if it is no list itself."""
_NOT_JSON, _ONLY_JSON = ("clerk", "csv"), ("auth0", "ndjson")
_HEAD = 64 * 1024
_LARGEST_DOCUMENT = 256 * 2**20
"""Bytes of a JSON document, which is read as a whole; JSON lines and CSV have no such bound."""
_LONGEST_LINE = 4 * 2**20
"""Characters of one line of JSON; it is longer than anything that Clerk takes."""
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_PLAIN = re.compile(r"[A-Za-z_][\w .:/()-]{0,40}")
"""What may be the heading of a column; anything else may be a value, and is not repeated."""
_AGAIN = "Nothing was imported."


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    values: dict[str, Any]
    problem: str = ""


def read_users(
    path: Path,
    format: str,  # noqa: A002 - what everybody calls it, in the commands too
    *,
    mapping: Mapping[str, str] | None = None,
    firebase_hash: Mapping[str, Any] | None = None,
) -> Iterator[Row]:
    """The users of a file in one of FORMATS, as arguments of `CreateUser`.

    `mapping` gives columns of our own formats another name, or "" to skip them. `firebase_hash` holds a
    Firebase project's `signer_key`, `salt_separator`, `rounds` and `memory_cost`; without it users come
    without passwords.
    """
    if format not in FORMATS:
        raise _refusal("format", f"unknown; accepted: {', '.join(FORMATS)}")
    if mapping and format not in _OURS:
        raise _refusal("mapping", f"goes with {' and '.join(_OURS)} only; {format} has fields of its own")
    if firebase_hash is not None and format != "firebase":
        raise _refusal("firebase_hash", "goes with firebase only")
    if format in _OURS:
        rows = _our_rows(path, CreateUser.parameters(), mapping or {}, is_json=format == "ndjson")
        return map(_as_new_user, rows)
    shared = providers.firebase_parameters(firebase_hash) if firebase_hash is not None else None
    return _their_rows(path, format, shared)


def read_rows(
    path: Path,
    parameters: Mapping[str, Parameter],
    mapping: Mapping[str, str] | None = None,
    given: Collection[str] = (),
) -> Iterator[Row]:
    """The records of a CSV or JSON lines file, as arguments of the action that has these parameters.

    What is `given` besides need not be in the file. Also a plain list, one value a line, for an action that
    then wants exactly one parameter.
    """
    is_json = _head_of(path).lstrip()[:1] in ("{", "[")
    wanted = {
        name: replace(item, required=item.required and name not in given) for name, item in parameters.items()
    }
    return _our_rows(path, wanted, mapping or {}, is_json=is_json)


def guess_format(path: Path) -> str:
    """Which of FORMATS a file is in, by its first 64 KiB; InvalidRequest if that does not tell."""
    head = _head_of(path).lstrip()
    if head[:1] in ("{", "["):
        keys = _first_keys(head)
        marks = _JSON_MARKS
    else:
        first = head.splitlines()[0] if head else ""
        cells = next(csv.reader([first], delimiter=_delimiter(first)), [])
        keys, marks = {cell.strip() for cell in cells}, _CSV_MARKS
        if len(cells) >= len(providers.FIREBASE_COLUMNS) - 2 and cells[2].strip() in ("true", "false"):
            return "firebase"
    found = next((name for name, mark in marks if any(words <= keys for words in mark)), None)
    if found is None and keys & CreateUser.parameters().keys():
        found = "ndjson" if marks is _JSON_MARKS else "csv"
    if found is None:
        raise _refusal("format", f"cannot be told from the file; accepted: {', '.join(FORMATS)}", "Name it.")
    return found


_CSV_MARKS: tuple[tuple[str, tuple[set[str], ...]], ...] = (
    ("clerk", ({"primary_email_address"}, {"verified_email_addresses"})),
    ("cognito", ({"cognito:username"},)),
    ("supabase", ({"encrypted_password"}, {"raw_user_meta_data"}, {"raw_app_meta_data"})),
    ("better-auth", ({"emailVerified"}, {"email_verified", "image"})),
)
"""What of a header tells a format: any of these sets of columns."""
_JSON_MARKS: tuple[tuple[str, tuple[set[str], ...]], ...] = (
    ("firebase", ({"localId"},)),
    ("cognito", ({"Username", "Attributes"}, {"Username", "UserStatus"})),
    ("supabase", ({"encrypted_password"}, {"raw_user_meta_data"}, {"raw_app_meta_data"})),
    ("auth0", ({"user_id"}, {"_id", "passwordHash"}, {"custom_password_hash"}, {"_id", "tenant"})),
    ("better-auth", ({"emailVerified"}, {"email_verified", "image"})),
    ("auth0", ({"email", "email_verified"},)),
)


def _first_keys(head: str) -> set[str]:
    """The keys of a JSON file's first record, which may be cut."""
    start = re.match(r"\[\s*|\{\s*\"[Uu]sers?\"\s*:\s*\[\s*", head)
    try:
        first, _ = json.JSONDecoder().raw_decode(head, start.end() if start else 0)
    except (ValueError, RecursionError):
        return set(re.findall(r"\"([\w:$-]+)\"\s*:", head))
    return set(first) if isinstance(first, dict) else set()


# Their formats


def _their_rows(path: Path, source: str, shared: str | None) -> Iterator[Row]:
    """The users of another provider's file."""
    is_json = _head_of(path).lstrip()[:1] in ("{", "[")
    if source in (_NOT_JSON if is_json else _ONLY_JSON):
        raise _unreadable(path, f"is not what {source} exports: it {'is' if is_json else 'is no'} JSON")
    passwords: dict[str, str] = {}
    read: Mapping[str, Callable[[Mapping[str, Any]], Draft]] = {
        "clerk": providers.clerk,
        "auth0": providers.auth0,
        "firebase": functools.partial(providers.firebase, parameters=shared),
        "supabase": providers.supabase,
        "cognito": providers.cognito,
        "better-auth": functools.partial(providers.better_auth, passwords=passwords),
    }
    with _opened(path) as file:
        if is_json:
            records = _json_records(path, file, _WRAPPERS.get(source, ()), passwords)
        elif source == "firebase":
            records = _table(path, file, fixed=providers.FIREBASE_COLUMNS)
        else:
            records = _table(path, file)
        for record in records:
            yield _checked(_drafted(record, read[source]))


def _drafted(record: _Record, read: Callable[[Mapping[str, Any]], Draft]) -> Row:
    if record.problem:
        return Row(record.line, {}, (("", record.problem),))
    draft = read(record.values)
    return Row(record.line, draft.arguments, tuple(draft.problems), tuple(draft.notes))


def _checked(row: Row) -> Row:
    """With a problem for what JSON can say and no request can hold."""
    try:
        json.dumps(row.arguments, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        problem = "holds half a character (a lone surrogate) or a number that has no end"
        return replace(row, problems=(*row.problems, ("", problem)))
    return row


# Our formats


def _our_rows(
    path: Path, parameters: Mapping[str, Parameter], mapping: Mapping[str, str], *, is_json: bool
) -> Iterator[Row]:
    wrong = [(name, to) for name, to in mapping.items() if to and to not in parameters]
    if wrong:
        raise InvalidRequest(
            f"mapping: {', '.join(name_shown(to) for _, to in wrong)}: no such parameter.",
            problems=[("mapping", f"no parameter is called {name_shown(to)}") for _, to in wrong],
            next_step=f"{_AGAIN} Map to a parameter, or to an empty text to skip the column.",
        )
    return _our_records(path, parameters, mapping, is_json=is_json)


def _our_records(
    path: Path, parameters: Mapping[str, Parameter], mapping: Mapping[str, str], *, is_json: bool
) -> Iterator[Row]:
    needed = [item.name for item in parameters.values() if item.required]
    with _opened(path) as file:
        if is_json:
            if _head_of(path).lstrip()[:1] not in ("{", "["):
                raise _unreadable(path, "is no JSON; for a table the format is csv")
            records = _json_records(path, file)
        elif len(needed) == 1 and _is_plain_list(_head_of(path), parameters, mapping):
            records = _table(path, file, fixed=needed)
        else:
            if _head_of(path).lstrip()[:1] in ("{", "["):
                raise _unreadable(path, "is JSON; the format is ndjson")
            records = _table(path, file, name=functools.partial(_columns, parameters, mapping))
        for record in records:
            if record.problem:
                yield Row(record.line, {}, (("", record.problem),))
            else:
                yield _checked(_arguments(record, parameters, mapping, is_json=is_json))


def _is_plain_list(head: str, parameters: Mapping[str, Parameter], mapping: Mapping[str, str]) -> bool:
    """Whether a file has one value a line and no heading."""
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    if not first or re.search(r"[,;\t]", first) or first in parameters or first in mapping:
        return False
    # What is nearly a parameter is a heading that has to be mapped, and no value.
    word = re.sub(r"[\W_]", "", first.lower()).removesuffix("s")
    headings = {name.replace("_", "").removesuffix("s") for name in parameters}
    return word not in headings | {"id", "email", "mail", "phone", "user", "name", "value"}


def _columns(
    parameters: Mapping[str, Parameter], mapping: Mapping[str, str], header: Sequence[str]
) -> list[str]:
    """The parameter of each column, "" for one that is skipped; InvalidRequest names all that are unknown."""
    names = [mapping.get(cell, cell) for cell in header]
    unknown = [cell for cell, name in zip(header, names, strict=True) if name and name not in parameters]
    if len(unknown) == len(header) and not all(_PLAIN.fullmatch(cell) for cell in header):
        raise _refusal("", "the first line names no parameter; is it a record, and the header missing?")
    problems = [(name_shown(cell), _unknown(cell, parameters)) for cell in unknown if _PLAIN.fullmatch(cell)]
    if len(problems) < len(unknown):
        problems.append(("", "a heading looks like a value; accepted: letters, digits, blanks"))
    problems += [
        ("mapping", f"no column is called {name_shown(cell)}") for cell in mapping.keys() - {*header}
    ]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems += [(name, "more than one column is for it") for name in twice]
    if problems:
        raise InvalidRequest(
            f"The header: {'; '.join(f'{name}: {text}' if name else text for name, text in problems)}.",
            problems=problems,
            next_step=_AGAIN,
        )
    return names


def _unknown(name: str, parameters: Mapping[str, Parameter]) -> str:
    near = near_name(name, parameters, "")
    meant = f"did you mean {near}? Map" if near else "map"
    target = near or "the parameter's name"
    return f"unknown; {meant} {name_shown(name)} to {target}, or to an empty text to skip it"


def _arguments(
    record: _Record, parameters: Mapping[str, Parameter], mapping: Mapping[str, str], *, is_json: bool
) -> Row:
    """A record of our own formats; in CSV an empty cell is one that is left out."""
    found: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for key, given in record.values.items():
        name = mapping.get(key, key) if is_json else key
        known = parameters.get(name)
        if not name or (not is_json and not given.strip()):
            continue
        if known is None:
            text = _unknown(key, parameters) if _PLAIN.fullmatch(key) else "unknown"
            problems.append((name_shown(key) if _PLAIN.fullmatch(key) else "", text))
        elif given is not None:
            try:
                found[name] = _value(known, given, is_json=is_json)
            except ValueError as error:
                problems.append((name, str(error)))
        elif known.nullable:
            found[name] = None
    told = {name for name, _ in problems}
    missing = [item for item in parameters.values() if item.required and item.name not in found.keys() | told]
    problems += [(item.name, f"required; accepted: {item.accepted}") for item in missing]
    digest = found.get("password_digest")
    if digest and "password_hasher" in parameters:
        if "password_hasher" not in found and (hasher := providers.hasher_of(digest)):
            found["password_hasher"] = hasher
        wrong = providers.wrong_hasher(digest, found.get("password_hasher", ""))
        problems += [wrong] if wrong else []
    notes = () if found or problems else ("not imported: it is empty",)
    return Row(record.line, found, tuple(problems), notes)


def _as_new_user(row: Row) -> Row:
    """Without nulls, which mean nothing for a new user, and with a way in for one without password."""
    found = {name: value for name, value in row.arguments.items() if value is not None}
    if not {"password", "password_digest", "skip_password_requirement"} & found.keys() and found:
        found["skip_password_requirement"] = True
    return replace(row, arguments=found)


def _value(known: Parameter, given: Any, *, is_json: bool) -> Any:
    """A value as its parameter wants it; ValueError says what is accepted, and nothing of the value."""
    if known.schema["type"] == "array":
        return [_item(known, known.schema["items"], item) for item in _items(known, given, is_json=is_json)]
    return _item(known, known.schema, given)


def _items(known: Parameter, given: Any, *, is_json: bool) -> list[Any]:
    if isinstance(given, list):
        return given
    if is_json:
        return [given]
    if given.lstrip().startswith("["):
        read = _json_text(given)
        if isinstance(read, list):
            return read
        raise ValueError(f"not a JSON list; accepted: {known.accepted}, several parted by |")
    return [part for part in given.split("|") if part.strip()]


def _item(known: Parameter, schema: Mapping[str, Any], given: Any) -> Any:
    wrong = ValueError(f"accepted: {known.accepted}")
    match schema["type"]:
        case "object":
            given = _json_text(given) if isinstance(given, str) else given
            if not isinstance(given, dict):
                raise wrong
            return given
        case "boolean":
            if not isinstance(given, bool | str | int):
                raise wrong
            return providers.flag_of(given)
        case "integer":
            if isinstance(given, str) and _WHOLE.fullmatch(given.strip()):
                return int(given)
            if not isinstance(given, int) or isinstance(given, bool):
                raise wrong
            return given
    if isinstance(given, bool | dict | list) or (known.times is None and isinstance(given, float)):
        raise wrong
    if known.times:
        return _time(given)
    text = str(given) if known.secret else str(given).strip()
    if "enum" in schema and text not in schema["enum"]:
        raise wrong
    if known.name in ("email_address", "phone_number") and not is_reference(text):
        return providers.email_of(text) if known.name == "email_address" else providers.phone_of(text)
    return text


def _time(given: Any) -> Any:
    """A time as it was given; that it is one is all that is looked at."""
    value = given.strip() if isinstance(given, str) else given
    try:
        parse_time(int(value) if isinstance(value, float) and value.is_integer() else value)
    except ValueError:
        # Seconds are refused here: in our own formats nobody can tell who wrote them.
        raise ValueError("not a time; accepted: ISO 8601 such as 2026-01-31, or milliseconds") from None
    return int(value) if isinstance(value, float) else value


def _json_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


# Files


def _table(
    path: Path,
    file: TextIO,
    *,
    fixed: Sequence[str] = (),
    name: Callable[[list[str]], list[str]] = list,
) -> Iterator[_Record]:
    """The records of a CSV file; `fixed` are the columns of one without a header, `name` names a header's."""
    before: list[str] = []
    while (first := file.readline(_LONGEST_LINE)) and not first.strip():
        before.append(first)
    columns = list(fixed)
    # Firebase writes quotes as they come, so they are not held against it.
    reader = csv.reader(
        itertools.chain(before, [first], file),
        delimiter="," if fixed else _delimiter(first),
        strict=not fixed,
    )
    begins = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            problem = "not CSV: a quote is not closed, or something follows it before the next column"
            yield _Record(begins, {}, problem)
            cells = []
        if cells is None:
            break
        line, begins = begins, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = name([cell.strip() for cell in cells])
            continue
        more = "".join(cells[len(columns) :]).strip()
        # Firebase leaves out the last columns where they have nothing.
        if more or (len(cells) < len(columns) and not fixed):
            problem = f"has {len(cells)} columns instead of {len(columns)}"
            yield _Record(line, {}, problem)
            continue
        pairs = zip(columns, cells, strict=False)
        yield _Record(line, {column: cell for column, cell in pairs if column})
    if not columns:
        raise _unreadable(path, "is empty")


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=bare.count)


def _json_records(
    path: Path, file: TextIO, wrappers: Sequence[str] = (), passwords: dict[str, str] | None = None
) -> Iterator[_Record]:
    """The records of JSON lines, of a list, or of a document that has the list under one of `wrappers`."""
    skipped = 0
    while (first := file.readline(_LONGEST_LINE)) and not first.strip():
        skipped += 1
    start = _json_text(first)
    is_wrapped = not isinstance(start, dict) or any(isinstance(start.get(name), list) for name in wrappers)
    if first.lstrip()[:1] == "[" or (wrappers and is_wrapped):
        yield from _document(path, first, file, wrappers, {} if passwords is None else passwords)
        return
    for line, text in enumerate(_lines(first, file), skipped + 1):
        if text is None:
            yield _Record(line, {}, f"longer than {_LONGEST_LINE} characters")
        elif text.strip():
            record = _json_text(text)
            problem = "" if isinstance(record, dict) else "not a JSON object on one line"
            yield _Record(line, record if isinstance(record, dict) else {}, problem)


def _lines(first: str, file: TextIO) -> Iterator[str | None]:
    """The lines of a file, None for one that is too long."""
    text = first
    while text:
        is_whole = len(text) < _LONGEST_LINE or text.endswith("\n")
        yield text if is_whole else None
        while not is_whole and (rest := file.readline(_LONGEST_LINE)):
            is_whole = len(rest) < _LONGEST_LINE or rest.endswith("\n")
        text = file.readline(_LONGEST_LINE)


def _document(
    path: Path, first: str, file: TextIO, wrappers: Sequence[str], passwords: dict[str, str]
) -> Iterator[_Record]:
    if path.stat().st_size > _LARGEST_DOCUMENT:
        size = f"{_LARGEST_DOCUMENT // 2**20} MB"
        raise _unreadable(
            path, f"is a JSON document of more than {size}", "Split it, or write one record a line (jq -c)."
        )
    text = first + file.read()
    try:
        read = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):
        raise _unreadable(path, "is not JSON that can be read") from None
    items = read
    if isinstance(read, dict):
        items = next((read[name] for name in wrappers if isinstance(read.get(name), list)), None)
        accounts = read.get("account", read.get("accounts"))
        passwords |= _passwords(accounts if isinstance(accounts, list) else [])
        if read.get("PaginationToken") or read.get("NextToken"):
            raise _unreadable(
                path, "is one page of several (it has a token for the next)", "Read all of them."
            )
    if not isinstance(items, list):
        where = f" or an object with {' or '.join(wrappers)}" if wrappers else ""
        raise _unreadable(path, f"is not a list{where}")
    for index, item in enumerate(items, 1):
        problem = "" if isinstance(item, dict) else "not a JSON object"
        yield _Record(index, item if isinstance(item, dict) else {}, problem)


def _passwords(accounts: Sequence[Any]) -> dict[str, str]:
    """The password hashes in Better Auth's `account` rows, by their user's id."""
    return {
        str(item.get("userId", item.get("user_id"))): str(item["password"])
        for item in accounts
        if isinstance(item, dict) and item.get("password")
        if item.get("providerId", item.get("provider_id")) == "credential"
    }


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    _head_of(path)
    try:
        # Line ends stay as they are: one within quotes belongs to its value.
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None


def _head_of(path: Path) -> str:
    """The beginning of a file, without what is cut at its end."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _not_utf8(path, "UTF-16")
    return head.decode("utf-8-sig", errors="ignore")


def _not_utf8(path: Path, found: str = "not UTF-8") -> InvalidRequest:
    return _unreadable(path, f"is {found}", "Save it as UTF-8 (in Excel: CSV UTF-8).")


def _unreadable(path: Path, why: str, next_step: str = _AGAIN) -> InvalidRequest:
    return InvalidRequest(f"{path.name} {why}.", problems=[("path", why)], next_step=next_step)


def _refusal(name: str, problem: str, next_step: str = _AGAIN) -> InvalidRequest:
    said = f"{name}: {problem}" if name else problem[0].upper() + problem[1:]
    return InvalidRequest(f"{said}.", problems=[(name, problem)], next_step=next_step)
