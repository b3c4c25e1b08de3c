"""Users as other providers export them, each turned into what `CreateUser` takes.

What only an application may write becomes private metadata, what users write themselves unsafe metadata:
nothing becomes public by being imported. A record that cannot be a user (deleted, anonymous, without
anything to sign in with) comes out without arguments, and a note says why. No value of a record stands in a
problem or a note: any cell may hold a password where columns have shifted.
"""

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from deskclerk.catalogue.fields import is_reference, parse_time
from deskclerk.errors import InvalidRequest

_B64 = r"[A-Za-z0-9+/_-]+={0,2}"
_HEX = r"(?:[0-9a-fA-F]{2})+"
_BCRYPT = r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"
_ARGON2 = r"\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
_PHPASS = r"\$P\$[./0-9A-Za-z]{31}"
HASHERS: Mapping[str, str] = {
    "argon2i": r"\$argon2i" + _ARGON2,
    "argon2id": r"\$argon2id" + _ARGON2,
    "bcrypt": _BCRYPT,
    "bcrypt_sha256_django": r"bcrypt_sha256\$" + _BCRYPT,
    "ldap_ssha": rf"(?:\{{SSHA\}})?{_B64}",
    "md5": r"[0-9a-fA-F]{32}",
    "md5_phpass": _PHPASS,
    "pbkdf2_sha1": rf"pbkdf2_sha1\$\d+\$[^$]+\${_HEX}(?:\$\d+)?",
    "pbkdf2_sha256": rf"pbkdf2_sha256\$\d+\${_B64}\${_B64}",
    "pbkdf2_sha256_django": rf"pbkdf2_sha256\$\d+\$[^$]+\${_B64}",
    "pbkdf2_sha512": rf"pbkdf2_sha512\$\d+\$[^$]+\${_HEX}",
    "pbkdf2_sha512_hex": rf"pbkdf2_sha512_hex\$\d+\${_HEX}\${_HEX}",
    "phpass": _PHPASS,
    "scrypt_firebase": rf"(?:{_B64}\$){{4}}\d\$\d{{1,2}}",
    "scrypt_werkzeug": r"scrypt:\d+:\d+:\d+\$[^$]+\$[0-9a-fA-F]{128}",
    "sha256": r"[0-9a-fA-F]{64}",
    "sha512_symfony": rf"sha512_symfony\$\d+\$[^$]*\${_B64}",
}
"""Clerk's seventeen hashers, and how the digests of each look: as much as shows a wrong column."""
_TELLING = (
    *("bcrypt", "argon2id", "argon2i", "bcrypt_sha256_django", "scrypt_werkzeug", "sha512_symfony"),
    *("pbkdf2_sha1", "pbkdf2_sha512", "pbkdf2_sha512_hex", "phpass"),
)
"""Hashers that a digest names itself; 32 hexadecimal digits may be anybody's."""

FIREBASE_PROVIDERS = tuple(
    f"{provider} {field}"
    for provider in ("google.com", "facebook.com", "twitter.com", "github.com")
    for field in ("rawId", "email", "displayName", "photoUrl")
)
FIREBASE_COLUMNS = (
    *("localId", "email", "emailVerified", "passwordHash", "salt", "displayName", "photoUrl"),
    *FIREBASE_PROVIDERS,
    *("createdAt", "lastSignedInAt", "phoneNumber", "disabled", "customAttributes"),
)
"""Firebase's CSV has no header; order as of firebase-tools' accountExporter."""

_EMAIL = re.compile(r"[^@\s,;<>()|]+@[^@\s.,;<>()|]+(\.[^@\s.,;<>()|]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_NO_EMAIL = "not an e-mail address; accepted: one such as ada@example.com"
_NO_PHONE = "not a phone number with its country code; accepted: + and 7 to 15 digits, such as +14155550100"
_NO_TIME = "not a time; accepted: ISO 8601 such as 2026-01-31T09:30:00Z, or milliseconds"
_YES = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_BETTER_AUTH = re.compile(r"([0-9a-f]{2,}):([0-9a-f]{128})", re.IGNORECASE)
_PHC_PBKDF2 = re.compile(
    r"\$pbkdf2-(sha256|sha512)\$(?:i=(\d+))?,?(?:l=\d+)?\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)
_AUTH0_ROUNDS = "100000"
"""Rounds of PBKDF2 where Auth0's text does not say them."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECONDS_BEFORE = 10**11
"""A number below is seconds since the epoch: as milliseconds it would be a day before March 1973."""
_BOOKKEEPING = frozenset(
    {
        *("updated_at", "last_sign_in_at", "last_login", "last_ip", "logins_count", "last_password_reset"),
        *("password_set_date", "tenant", "connection", "_tmp_is_unique", "lastSignedInAt", "lastLoginAt"),
        *("validSince", "instance_id", "aud", "confirmed_at", "confirmation_sent_at"),
        *("email_change_confirm_status", "UserLastModifiedDate", "UserStatus"),
    }
)
"""Fields that say something of the old provider and nothing of the user: not worth a note."""
_MOST_NAMES = 12
"""Names in one note."""


def email_of(text: str) -> str:
    """An e-mail address as Clerk keeps it; ValueError if it is none."""
    address = text.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise ValueError(_NO_EMAIL)
    return address


def phone_of(text: str) -> str:
    """A phone number in E.164; ValueError if it is none, or lacks its country code."""
    number = re.sub(r"[\s()./-]", "", text)
    if not _PHONE.fullmatch(number):
        raise ValueError(_NO_PHONE)
    return number


def flag_of(value: Any) -> bool:
    """A yes or no as databases write it; ValueError for anything else."""
    word = _YES.get(str(value).strip().lower())
    if word is None:
        raise ValueError("neither yes nor no; accepted: true, false")
    return word


def moment_of(value: Any) -> dt.datetime:
    """A time as providers write it: ISO 8601, seconds or milliseconds; ValueError for anything else."""
    if isinstance(value, Mapping):
        value = value.get("$date")  # as MongoDB writes it
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    try:
        if number is not None:
            value = round(number * 1000 if number < _SECONDS_BEFORE else number)
        return parse_time(value.strip() if isinstance(value, str) else value).astimezone(dt.UTC)
    # Not what parse_time says: that may hold the value.
    except (ValueError, OverflowError):
        raise ValueError(_NO_TIME) from None


def hasher_of(digest: str) -> str | None:
    """The hasher that a digest names itself; None if it does not."""
    if digest.startswith("{SSHA}"):
        return "ldap_ssha"
    return next((name for name in _TELLING if re.fullmatch(HASHERS[name], digest)), None)


def wrong_hasher(digest: str, hasher: str) -> tuple[str, str] | None:
    """What is wrong with a digest and its hasher, with the name of the parameter; None if nothing is."""
    if hasher not in HASHERS:
        why = "not a hasher that Clerk knows" if hasher else "missing, and the digest does not tell it"
        return "password_hasher", f"{why}; accepted: {', '.join(HASHERS)}"
    if not is_reference(digest) and not re.fullmatch(HASHERS[hasher], digest):
        return "password_digest", f"not in the form of {hasher}"
    return None


def name_shown(name: str) -> str:
    """The name of a field or a column, fit for one line."""
    return re.sub(r"[^\w .:$@/-]", "?", name)[:60]


class Draft:
    """One user while a record is read: what Clerk takes, what is wrong, what stays behind.

    What nobody takes of the record is named in a note at the end.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._left = {str(key): value for key, value in record.items() if not _is_empty(value)}
        self.arguments: dict[str, Any] = {}
        self.problems: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def take(self, *names: str) -> Any:
        """The first of these fields that says something; all of them are dealt with."""
        found = [self._left.pop(name, None) for name in names]
        return next((value for value in found if value is not None), None)

    def take_all(self, prefix: str) -> dict[str, Any]:
        """The fields whose names begin so, named without it."""
        names = [name for name in self._left if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._left.pop(name) for name in names}

    def put(self, name: str, value: Any) -> None:
        """Another field, out of one that holds several."""
        if not _is_empty(value):
            self._left[name] = value

    def text(self, parameter: str, value: Any) -> None:
        """A text, without the blanks around it; numbers are ids as databases count them."""
        if isinstance(value, dict | list):
            self.problems.append((parameter, "not a text"))
        elif value is not None:
            self.arguments[parameter] = str(value).strip()

    def names(self, first: Any, last: Any, whole: Any) -> None:
        """The names; a whole one is parted at its first blank, unless it is an address."""
        if first is None and last is None and isinstance(whole, str) and "@" not in whole:
            first, _, last = whole.strip().partition(" ")
        self.text("first_name", first)
        self.text("last_name", last or None)

    def addresses(self, parameter: str, given: Iterable[tuple[Any, bool]]) -> None:
        """Addresses or numbers with whether each is verified: those that are not are reserved."""
        found: dict[str, bool] = {}
        for value, verified in given:
            if _is_empty(value):
                continue
            try:
                address = (email_of if parameter == "email_address" else phone_of)(str(value))
            except ValueError as error:
                self.problems.append((parameter, str(error)))
            else:
                found[address] = found.get(address, False) or verified
        if found:
            self.arguments[parameter] = list(found)
        if not all(found.values()):
            statuses = ["verified" if verified else "reserved" for verified in found.values()]
            self.arguments[f"{parameter}_identification_status"] = statuses

    def flag(self, parameter: str, value: Any) -> bool:
        """Whether a field says yes; one that is not there does not."""
        try:
            return value is not None and flag_of(value)
        except ValueError as error:
            self.problems.append((parameter, str(error)))
            return False

    def time(self, parameter: str, value: Any) -> None:
        """A time as RFC 3339 text."""
        if value is None:
            return
        try:
            text = moment_of(value).isoformat(timespec="milliseconds")
        except ValueError as error:
            self.problems.append((parameter, str(error)))
        else:
            self.arguments[parameter] = text.replace("+00:00", "Z")

    def banned(self, value: Any, until: Any) -> None:
        """A ban; one that has run out is none, and one that will is for good in Clerk."""
        if not self.flag("banned", value):
            return
        endless = until is None or str(until).strip().lower() == "infinity"
        try:
            if not endless and moment_of(until) <= dt.datetime.now(dt.UTC):
                return
        except ValueError as error:
            self.problems.append(("banned", str(error)))
        self.arguments["banned"] = True
        if not endless:
            self.notes.append("the ban had an end; in Clerk it has none")

    def json(self, parameter: str, value: Any) -> dict[str, Any]:
        """An object, or JSON text of one; {} if there is none."""
        try:
            read = json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            read = value
        if read is None or isinstance(read, dict):
            return read or {}
        self.problems.append((parameter, "not a JSON object"))
        return {}

    def metadata(self, parameter: str, found: Mapping[str, Any]) -> None:
        """Metadata, if there is any."""
        if found:
            self.arguments[parameter] = dict(found)

    def password(self, digest: Any, hasher: str | None = None) -> None:
        """A digest that Clerk can verify; for another a note says that it stays behind."""
        if digest is None:
            return
        hasher = hasher or hasher_of(str(digest))
        if hasher is None or wrong_hasher(str(digest), hasher):
            self.notes.append("imported without password: its hash has none of the forms that Clerk takes")
            return
        self.arguments |= {"password_digest": str(digest), "password_hasher": hasher}

    def leave_out(self, why: str) -> None:
        """Makes it a record that is not imported."""
        self.arguments, self.problems, self._left = {}, [], {}
        self.notes = [f"not imported: {why}"]

    def finish(self) -> None:
        """The last look: something to sign in with, a way without password, what stays behind."""
        if not {"email_address", "phone_number", "username"} & self.arguments.keys() and not self.problems:
            self.leave_out("it has no e-mail address, phone number or username")
            return
        if "password_digest" not in self.arguments:
            self.arguments["skip_password_requirement"] = True
        names = sorted(name_shown(name) for name in self._left.keys() - _BOOKKEEPING)
        if names:
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            self.notes.append(f"left out: {', '.join(names[:_MOST_NAMES])}{more}")


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", 0, [], {}) or not str(value).strip()


def clerk(record: Mapping[str, Any]) -> Draft:
    """A line of "Export users" in Clerk's dashboard, whose hasher is said; columns as of its CSV."""
    draft = Draft(record)
    draft.text("external_id", draft.take("id"))
    draft.names(draft.take("first_name"), draft.take("last_name"), None)
    draft.text("username", draft.take("username"))
    for parameter, plural in (("email_address", "email_addresses"), ("phone_number", "phone_numbers")):
        primary = str(draft.take(f"primary_{parameter}") or "")
        verified = str(draft.take(f"verified_{plural}") or "").split("|")
        unverified = str(draft.take(f"unverified_{plural}") or "").split("|")
        # A primary one is verified, unless it is said not to be.
        is_verified = primary.strip() not in {item.strip() for item in unverified}
        given = [(primary, is_verified), *((item, True) for item in verified)]
        draft.addresses(parameter, [*given, *((item, False) for item in unverified)])
    draft.text("totp_secret", draft.take("totp_secret"))
    digest, hasher = draft.take("password_digest"), draft.take("password_hasher")
    if digest is not None:
        hasher = str(hasher or hasher_of(str(digest)) or "").strip()
        if wrong := wrong_hasher(str(digest), hasher):
            draft.problems.append(wrong)
        draft.arguments |= {"password_digest": str(digest), "password_hasher": hasher}
    draft.finish()
    return draft


def auth0(record: Mapping[str, Any]) -> Draft:
    """A user of Auth0's bulk export, of its password-hash export, or of its import schema.

    Fields as of the pages "Bulk User Exports", "How to Use the Password Hashes Export" and "User Data JSON
    Schema for Bulk User Imports".
    """
    draft = Draft(record)
    found, alternative = draft.take("_id"), draft.take("alt_id")
    plain = alternative or (found.get("$oid") if isinstance(found, Mapping) else found)
    # The hashes' export leaves the strategy out, which in a database connection is always this one.
    draft.text("external_id", draft.take("user_id") or (plain and f"auth0|{plain}"))
    identifiers = draft.take("identifiers")
    listed: dict[str, list[tuple[Any, bool]]] = {"email": [], "phone_number": [], "username": []}
    for item in identifiers if isinstance(identifiers, list) else ():
        if isinstance(item, Mapping) and item.get("type") in listed:
            verified = draft.flag("email_address", item.get("verified"))
            listed[str(item["type"])].append((item.get("value"), verified))
    email = (draft.take("email"), draft.flag("email_address", draft.take("email_verified")))
    draft.addresses("email_address", [email, *listed["email"]])
    phone = (draft.take("phone_number"), draft.flag("phone_number", draft.take("phone_verified")))
    draft.addresses("phone_number", [phone, *listed["phone_number"]])
    draft.text("username", draft.take("username") or next((value for value, _ in listed["username"]), None))
    draft.names(draft.take("given_name"), draft.take("family_name"), draft.take("name"))
    draft.metadata("private_metadata", draft.json("private_metadata", draft.take("app_metadata")))
    draft.metadata("unsafe_metadata", draft.json("unsafe_metadata", draft.take("user_metadata")))
    draft.banned(draft.take("blocked"), None)
    draft.time("created_at", draft.take("created_at"))
    custom, digest = draft.take("custom_password_hash"), draft.take("passwordHash", "password_hash")
    if isinstance(custom, Mapping) and digest is None:
        draft.password(*_auth0_digest(custom))
    else:
        draft.password(digest)
    draft.finish()
    return draft


def _auth0_digest(custom: Mapping[str, Any]) -> tuple[str, str | None]:
    """A digest in Clerk's form of a `custom_password_hash`; one without a hasher if there is no such form."""
    made, encoded = custom.get("hash"), custom.get("password")
    made = made if isinstance(made, Mapping) else {}
    value, algorithm = str(made.get("value") or ""), str(custom.get("algorithm") or "").lower()
    # Clerk hashes the password as UTF-8 and nothing else.
    if isinstance(encoded, Mapping) and str(encoded.get("encoding", "utf8")).lower() not in ("utf8", "utf-8"):
        return "", None
    if algorithm in ("md5", "sha256") and not custom.get("salt"):
        if str(made.get("encoding") or "").lower() == "base64":
            value = _bytes(value).hex()
        return value, algorithm
    if algorithm == "pbkdf2" and (parts := _PHC_PBKDF2.fullmatch(value)):
        name, rounds, salt, digest = parts.groups(default=_AUTH0_ROUNDS)
        raw = (_bytes(salt), _bytes(digest))
        if name == "sha512":
            return f"pbkdf2_sha512_hex${rounds}${raw[0].hex()}${raw[1].hex()}", "pbkdf2_sha512_hex"
        padded = [base64.b64encode(item).decode() for item in raw]
        return f"pbkdf2_sha256${rounds}${padded[0]}${padded[1]}", "pbkdf2_sha256"
    return (value, None) if algorithm in ("bcrypt", "argon2", "ldap") else ("", None)


def _bytes(text: str) -> bytes:
    """Base 64 with or without its padding; nothing if it is none."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


def firebase_parameters(given: Mapping[str, Any]) -> str:
    """The end of a Firebase digest, which a project's users share; InvalidRequest names what is wrong."""
    forms = {"signer_key": _B64, "salt_separator": _B64, "rounds": r"[1-8]", "memory_cost": r"[1-9]|1[0-4]"}
    accepted = {"rounds": "accepted: 1 to 8", "memory_cost": "accepted: 1 to 14"}
    problems = [
        (name, f"missing or not in its form; {accepted.get(name, 'accepted: base 64')}")
        for name, form in forms.items()
        if not re.fullmatch(form, str(given.get(name, "")).strip())
    ]
    problems += [(name_shown(str(name)), "unknown") for name in given if name not in forms]
    if problems:
        raise InvalidRequest(
            f"Firebase's hash parameters: {'; '.join(f'{name}: {problem}' for name, problem in problems)}.",
            problems=problems,
            next_step=f"Give {', '.join(forms)}: Firebase's console shows them under Authentication, Users.",
        )
    return "$".join(str(given[name]).strip() for name in forms)


def firebase(record: Mapping[str, Any], parameters: str | None = None) -> Draft:
    """A user of `firebase auth:export`; fields as of firebase-tools' accountExporter."""
    draft = Draft(record)
    draft.text("external_id", draft.take("localId"))
    verified = draft.flag("email_address", draft.take("emailVerified"))
    draft.addresses("email_address", [(draft.take("email"), verified)])
    # Firebase has numbers of those only who have proved that they are theirs, or whom an administrator made.
    draft.addresses("phone_number", [(draft.take("phoneNumber"), True)])
    draft.names(None, None, draft.take("displayName"))
    draft.metadata("private_metadata", draft.json("private_metadata", draft.take("customAttributes")))
    draft.banned(draft.take("disabled"), None)
    draft.time("created_at", draft.take("createdAt"))
    made, salt = draft.take("passwordHash"), draft.take("salt")
    if made is not None and parameters is None:
        draft.notes.append(
            "imported without password: it takes the project's hash parameters (firebase_hash)"
        )
    elif made is not None:
        draft.password(f"{made}${salt or ''}${parameters}", "scrypt_firebase")
    if draft.take(*FIREBASE_PROVIDERS) is not None:
        draft.put("providerUserInfo", True)
    draft.finish()
    return draft


def supabase(record: Mapping[str, Any]) -> Draft:
    """A row of Supabase's `auth.users`; columns as of Supabase Auth's schema."""
    draft = Draft(record)
    if draft.take("deleted_at") is not None:
        draft.leave_out("it was deleted in Supabase")
        return draft
    draft.text("external_id", draft.take("id"))
    verified = draft.take("email_confirmed_at") is not None
    draft.addresses("email_address", [(draft.take("email"), verified)])
    phone, verified = draft.take("phone"), draft.take("phone_confirmed_at") is not None
    # Kept there in E.164 without its plus.
    digits = f"+{phone}" if re.fullmatch(r"[1-9]\d+", str(phone), re.ASCII) else phone
    draft.addresses("phone_number", [(digits, verified)])
    theirs = draft.json("unsafe_metadata", draft.take("raw_user_meta_data"))
    first = theirs.get("first_name") or theirs.get("given_name")
    last = theirs.get("last_name") or theirs.get("family_name")
    draft.names(first or None, last or None, theirs.get("full_name") or theirs.get("name"))
    draft.metadata("unsafe_metadata", theirs)
    draft.metadata("private_metadata", draft.json("private_metadata", draft.take("raw_app_meta_data")))
    draft.time("created_at", draft.take("created_at"))
    until = draft.take("banned_until")
    draft.banned(until is not None or None, until)
    draft.password(draft.take("encrypted_password"))
    draft.take("role", "is_anonymous")
    draft.finish()
    return draft


def cognito(record: Mapping[str, Any]) -> Draft:
    """A user of `aws cognito-idp list-users`, or a line below Cognito's import header.

    Fields as of the pages "ListUsers" and "Creating the user import CSV file". `sub` is what tokens call
    the user, so it becomes the external id; custom attributes become private metadata without their prefix.
    """
    draft = Draft(record)
    attributes = draft.take("Attributes", "UserAttributes")
    for item in attributes if isinstance(attributes, list) else ():
        if isinstance(item, Mapping):
            draft.put(str(item.get("Name")), item.get("Value"))
    name, sub = draft.take("Username", "cognito:username"), draft.take("sub")
    draft.text("external_id", sub or name)
    preferred, status = draft.take("preferred_username"), draft.take("UserStatus")
    made_up = _UUID.fullmatch(str(name)) or "@" in str(name) or str(name).startswith("+") or name == sub
    draft.text("username", preferred or (None if made_up or status == "EXTERNAL_PROVIDER" else name))
    verified = draft.flag("email_address", draft.take("email_verified"))
    draft.addresses("email_address", [(draft.take("email"), verified)])
    verified = draft.flag("phone_number", draft.take("phone_number_verified"))
    draft.addresses("phone_number", [(draft.take("phone_number"), verified)])
    draft.names(draft.take("given_name"), draft.take("family_name"), draft.take("name"))
    locale = str(draft.take("locale") or "").replace("_", "-")
    if _LOCALE.fullmatch(locale):
        draft.arguments["locale"] = locale
    elif locale:
        draft.put("locale", locale)
    draft.metadata("private_metadata", draft.take_all("custom:"))
    # Draft takes a false for nothing said, which here it is not.
    draft.banned(record.get("Enabled") in (False, "false") or None, None)
    draft.take("Enabled")
    draft.time("created_at", draft.take("UserCreateDate"))
    draft.finish()
    return draft


def better_auth(record: Mapping[str, Any], passwords: Mapping[str, str] | None = None) -> Draft:
    """A row of Better Auth's `user` table, in either case; `passwords` are the `account` table's.

    Its default hash is scrypt over the salt as hexadecimal text, which is what Werkzeug's form says. Better
    Auth hashes a password in Unicode's form NFKC: one that is typed in another form does not fit any more.
    Fields as of its pages "Database", "Admin", "Username" and "Phone Number".
    """
    draft = Draft({_CAMEL.sub("_", str(key)).lower(): value for key, value in record.items()})
    number = draft.take("id")
    draft.text("external_id", number)
    verified = draft.flag("email_address", draft.take("email_verified"))
    draft.addresses("email_address", [(draft.take("email"), verified)])
    verified = draft.flag("phone_number", draft.take("phone_number_verified"))
    draft.addresses("phone_number", [(draft.take("phone_number"), verified)])
    draft.names(None, None, draft.take("name"))
    draft.text("username", draft.take("username"))
    role = draft.take("role")
    draft.metadata("private_metadata", {"role": role} if role is not None else {})
    draft.banned(draft.take("banned"), draft.take("ban_expires"))
    draft.time("created_at", draft.take("created_at"))
    digest = draft.take("password") or (passwords or {}).get(str(number))
    if digest is not None and (parts := _BETTER_AUTH.fullmatch(str(digest))):
        digest = f"scrypt:16384:16:1${parts[1]}${parts[2]}"
    draft.password(digest)
    draft.finish()
    return draft
