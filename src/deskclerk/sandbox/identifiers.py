"""What identifies a user: how each kind is written, and that no two users share one."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Table, select

from deskclerk.sandbox.blocked import refuse_blocked
from deskclerk.sandbox.call import Call
from deskclerk.sandbox.refusals import ill_formed, refusal, taken
from deskclerk.sandbox.store.tables import email_addresses, phone_numbers, users, web3_wallets

TABLES: Mapping[str, Table] = {
    "email_address": email_addresses,
    "phone_number": phone_numbers,
    "web3_wallet": web3_wallets,
}

_EMAIL = re.compile(r"[^@\s,;<>()]{1,64}@[^@\s.,;<>()]+(\.[^@\s.,;<>()]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_WALLET = re.compile(r"0x[0-9a-f]{40}|[1-9A-HJ-NP-Za-km-z]{32,44}")
_USERNAME = re.compile(r"[A-Za-z0-9_-]+")
_SHORTEST_USERNAME, _LONGEST_USERNAME, _LONGEST_EMAIL = 4, 64, 254


def _phone(text: str) -> str:
    # A "+" decoded as a space on its way here is still a plus.
    plus = "+" if text.startswith(" ") else ""
    return plus + re.sub(r"[\s().-]", "", text)


def _wallet(text: str) -> str:
    text = text.strip()
    return text.lower() if text[:2].lower() == "0x" else text


NORMAL: Mapping[str, Callable[[str], str]] = {
    "email_address": lambda text: text.strip().lower(),
    "phone_number": _phone,
    "web3_wallet": _wallet,
}
"""How each kind of address is written in the database, whatever way it is given."""

_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "email_address": (_EMAIL, "email_address must be a valid email address."),
    "phone_number": (_PHONE, "phone_number must be in E.164 format, such as +15551234567."),
    "web3_wallet": (_WALLET, "web3_wallet must be a valid wallet address."),
}


def normal(kind: str, text: str) -> str:
    """An address as it is kept; refused if it is none of this kind."""
    value = NORMAL[kind](text)
    form, rule = _FORMS[kind]
    if not form.fullmatch(value) or len(value) > _LONGEST_EMAIL:
        raise ill_formed(kind, rule)
    return value


async def check_addresses(call: Call, kind: str, given: list[str]) -> list[str]:
    """The addresses as they are kept; refused if ill-formed, given twice or somebody's alone."""
    values = [normal(kind, value) for value in given]
    if len(set(values)) < len(values):
        raise refusal("form_param_duplicate", "is given twice", f"{kind} has a value twice.", param=kind)
    table = TABLES[kind]
    if await _exists(call, table, table.c[kind].in_(values) & (table.c.held_by == "")):
        raise taken(kind)
    await refuse_blocked(call, kind, values)
    return values


async def check_username(call: Call, username: str, *, user_id: str = "") -> None:
    """Refuse a username that is ill-formed, or someone else's than `user_id`'s."""
    if not _SHORTEST_USERNAME <= len(username) <= _LONGEST_USERNAME:
        text = f"A username has {_SHORTEST_USERNAME} to {_LONGEST_USERNAME} characters."
        raise refusal("form_username_invalid_length", "has a wrong length", text, param="username")
    if not _USERNAME.fullmatch(username):
        text = "A username has letters, digits, '_' and '-' only."
        raise refusal("form_username_invalid_character", "is invalid", text, param="username")
    if username.isdigit():
        text = "A username has at least one character that is not a digit."
        raise refusal("form_username_needs_non_number_char", "is invalid", text, param="username")
    same = users.c.username_folded == username.casefold()
    if await _exists(call, users, same & (users.c.id != user_id)):
        raise taken("username")


async def check_external_id(call: Call, external_id: str, *, user_id: str = "") -> None:
    """Refuse an external id that is someone else's than `user_id`'s."""
    if await _exists(call, users, (users.c.external_id == external_id) & (users.c.id != user_id)):
        raise taken("external_id")


async def _exists(call: Call, table: Table, condition: Any) -> bool:
    query = select(table.c.id).where(table.c.instance_id == call.instance.id, condition).limit(1)
    return (await call.connection.execute(query)).first() is not None
