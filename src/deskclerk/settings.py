"""What an operator sets, and where: a command-line flag, the environment, the settings file.

This module is the only reader of the environment and of the settings file. A name that it does not
know is an error wherever it stands: a misspelt safety setting must not be ignored.
"""

import base64
import binascii
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from deskclerk.errors import InvalidSettings

__all__ = ["Settings"]

CLERK_ORIGIN = "https://api.clerk.com"
SANDBOX_KEY = "sk_test_sandbox"
LEAN = "lean"
"""Among `tools`: a client lists three tools that find, describe and call actions, in place of them all."""
_TOOLSETS = (
    "core",
    "users-plus",
    "organizations-plus",
    "tokens",
    "oauth",
    "waitlist",
    "machines",
    "billing",
    "enterprise",
    "instance",
    "jobs",
    "all",
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PREFIX = "DESKCLERK_"
_WEBHOOK_BYTES = 24
"""Of a webhook's secret, at least: what Svix and Standard Webhooks ask for."""
_REDIS_OPTIONS = {
    "redis": (),
    "rediss": ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"),
    "unix": ("db",),
}
"""The schemes of a Redis server's address, and what may stand behind its `?`."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@]*:([^/?#@]+)@")
# Sixteen characters are the least that nobody tries out.
_TOKEN = re.compile(r"[!-~]{16,}")
_CLERK_NAMES = {"CLERK_SECRET_KEY": "secret_key", "CLERK_API_URL": "api_url"}

KEY_BYTES = 32
"""Of a vault key: AES-256."""
_VAULTS = (
    "accepted: transit:https://VAULT[/MOUNT]?key=NAME[&namespace=…] or kms:KEY_ID[?region=…][&endpoint=…]"
)

Kind = Literal["live", "test", "sandbox"]
Access = Literal["read", "write", "destructive"]
Pin = Annotated[str, Field(pattern=r"^ins_[A-Za-z0-9]+$")]


def _split(value: object) -> object:
    """A list as it stands in the environment: separated by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Rules(BaseModel):
    """What may be asked for: one `[callers.NAME]` table, and part of every `[instances.NAME]`.

    It narrows what the other settings allow and never widens it; only its toolsets stand in place of theirs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access: Access = "destructive"
    """The strongest effect that may be asked for."""
    tools: Names = ()
    """Action names or globs to offer; all when empty. `lean` among those of all: three tools for them."""
    deny: Names = ()
    """Action names or globs never to offer."""
    toolsets: Names = ()
    """The sets of tools that MCP offers, in place of those that wider settings choose; theirs when empty."""

    @field_validator("toolsets")
    @classmethod
    def _sets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in _TOOLSETS:
                raise ValueError(f"{name!r} is no toolset; accepted: {', '.join(_TOOLSETS)}")
        return tuple(dict.fromkeys(value))


class Named(Rules):
    """One `[instances.NAME]` table of the settings file."""

    secret_key: SecretStr
    api_url: str | None = None
    pin: Pin | None = None


class Destination(BaseModel):
    """One `[[notify]]` table: where people are told that something waits for them.

    Its address is a secret: for most services, whoever knows it can write there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    """An `https://` address for a signed webhook, else an address of Apprise's, such as `slack://…`."""
    secret: SecretStr | None = None
    """What a webhook is signed with (`whsec_…`); it may stand behind a `#` of the address instead."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")] | None = None
    """What it is called where it is spoken of; when not set, its number and its kind."""

    @model_validator(mode="before")
    @classmethod
    def _parts(cls, value: Any) -> Any:
        given = {"url": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping) or not isinstance(given.get("url"), str):
            return given
        address, _, behind = given["url"].strip().partition("#")
        if not address.lower().startswith(("http://", "https://")) or not behind:
            return given
        if "secret" in given:
            raise ValueError("the secret stands twice; give it behind the # or as secret")
        return {**given, "url": address, "secret": behind}

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Nothing need stand behind it: `dbus://` is this machine's desktop.
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", self.url.get_secret_value()):
            raise ValueError("url is no address; accepted: https://…, or Apprise's such as slack://…")
        if not self.is_webhook:
            if self.secret:
                raise ValueError("secret is for webhooks (https://…)")
            return self
        _check_webhook(self.url.get_secret_value())
        if self.secret is None:
            raise ValueError(
                "a webhook wants a secret, whsec_ and base64, to be signed with; a service is given by "
                "Apprise's address for it, such as slack://…"
            )
        if not is_webhook_secret(self.secret.get_secret_value()):
            raise ValueError("secret is not whsec_ and base64 of at least 24 bytes")
        return self

    @property
    def kind(self) -> str:
        """`webhook`, or the scheme of Apprise's address."""
        scheme = self.url.get_secret_value().partition("://")[0].lower()
        return "webhook" if scheme in ("http", "https") else scheme

    @property
    def is_webhook(self) -> bool:
        """Whether it is a signed webhook, and not one of Apprise's services."""
        return self.kind == "webhook"


def _destinations(value: object) -> object:
    """Addresses as they stand in the environment: separated by spaces, or by commas before the next one."""
    if isinstance(value, str):
        return tuple(
            part for part in re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", value.strip(" ,")) if part
        )
    return value


def vault_keys(text: str) -> tuple[bytes, ...]:
    """Vault keys as they stand in a setting or a file: base64 of 32 bytes each, the one that wraps first.

    ValueError says what is accepted, and never repeats what was given.
    """
    found = []
    for part in re.split(r"[\s,]+", text.strip(" \t\r\n,")):
        try:
            key = base64.b64decode(part, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError(
                "not a vault key; accepted: base64 of 32 random bytes, as `openssl rand -base64 32` prints "
                "it, or several, the one that is to wrap first"
            )
        found.append(key)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class VaultAddress:
    """A vault key that is kept elsewhere: in HashiCorp Vault's transit engine, or in AWS KMS."""

    kind: Literal["transit", "kms"]
    key: str
    """The name of the transit key; the id, ARN or alias of the KMS key."""
    origin: str = ""
    """Where Vault is; empty for KMS."""
    mount: str = "transit"
    """Where in Vault the engine is mounted."""
    namespace: str | None = None
    region: str | None = None
    """AWS's region; when not set, as boto3 finds it."""
    endpoint: str | None = None
    """Another address of KMS than AWS's own."""

    @classmethod
    def parse(cls, value: object) -> object:
        """An address from its text; ValueError says what is accepted."""
        if not isinstance(value, str):
            return value
        kind, _, rest = value.partition(":")
        place, _, query = rest.partition("?")
        try:
            options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
        except ValueError:
            raise ValueError(f"not a vault; {_VAULTS}") from None
        if kind == "transit":
            return cls._transit(place, options)
        if kind != "kms" or not place:
            raise ValueError(f"not a vault; {_VAULTS}")
        _only(options, ("region", "endpoint"))
        if "endpoint" in options:
            options["endpoint"] = check_origin(options["endpoint"])
        return cls("kms", place, **options)

    @classmethod
    def _transit(cls, place: str, options: dict[str, str]) -> "VaultAddress":
        _only(options, ("key", "namespace"))
        if "key" not in options:
            raise ValueError(f"it names no key; {_VAULTS}")
        parts = _parts(place)
        origin = check_origin(f"{parts.scheme}://{parts.netloc}")
        return cls("transit", origin=origin, mount=parts.path.strip("/") or "transit", **options)


def _only(options: Mapping[str, str], accepted: tuple[str, ...]) -> None:
    for name in options:
        if name not in accepted:
            raise ValueError(f"{name} is not known; {_VAULTS}")


class Settings(Rules):
    """Everything that can be set; `load` reads it, the constructor takes it as it is."""

    secret_key: SecretStr | None = None
    """The instance's secret key (`CLERK_SECRET_KEY`); none means the sandbox."""
    api_url: str | None = None
    """The origin of Clerk's Backend API, without `/v1` (`CLERK_API_URL`)."""
    instance: str | None = None
    """Which of `instances` is the current one, when no secret key is given."""
    instances: dict[str, Named] = Field(default_factory=dict)
    home: Path | None = None
    """One folder for databases, settings and hand-overs; the user's own folders when not set."""
    database: SecretStr | None = None
    """A PostgreSQL URL for the desk's plans and journal; a SQLite file in the data folder when not set."""
    redis: SecretStr | None = None
    """The URL of the Redis or Valkey by which the replicas of a hosted desk wake each other and count."""
    read_only: bool = False
    """Offers reads alone, whatever else is set."""
    callers: dict[str, Rules] = Field(default_factory=dict)
    """Rules for callers, by a glob over the face (`mcp`), the client's name or the token's."""
    pin: Pin | None = None
    """The id (`ins_…`) that the instance must have, asked of Clerk before the first write."""
    destructive_per_hour: int = Field(default=100, ge=0)
    """How many destructive actions one instance takes in an hour."""
    toolsets: Names = _TOOLSETS[:1]
    """The sets of tools that MCP offers: `core`, the 48; others beside it; `all`."""
    items_per_job: int = Field(default=100_000, ge=1)
    """How many writes one job may have."""
    confirm: Literal["write", "destructive", "never"] = "write"
    """From which effect on a person has to sign."""
    allow_unconfirmed_live: bool = False
    """Lets `confirm = "never"` stand on a live key."""
    approval_seconds: int = Field(default=600, ge=10, le=86400)
    """For how long a plan can be signed."""
    approval_wait: float = Field(default=20.0, ge=0, le=600)
    """Seconds that a call waits for a signature from outside the client's dialogue; 0: it does not wait."""
    token: SecretStr | None = None
    """The bearer token that MCP over HTTP wants; needed on any bind but loopback."""
    tokens: dict[str, SecretStr] = Field(default_factory=dict)
    """Further tokens by name (`[tokens]` of the settings file), so that rules can tell callers apart."""
    hosts: Names = ()
    """Further host names that MCP over HTTP answers to, such as a proxy's before it."""
    timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds for one request to Clerk."""
    retry_seconds: float = Field(default=45.0, ge=0, le=3600)
    """Seconds for all tries of one request together."""
    largest_answer: int = Field(default=32 * 2**20, ge=2**16)
    """Bytes of one answer of Clerk's, unpacked, beyond which it is not read."""
    secrets: Literal["allow", "reference"] = "allow"
    """Whether a model may give a secret plainly, or only as `secret:NAME`."""
    handover: Literal["file", "console"] = "file"
    """Where what Clerk shows once waits for a person: in a private file, or in this process's console."""
    console: bool | None = None
    """Whether a console is served; when not set, wherever only this machine can reach it."""
    notify: Annotated[tuple[Destination, ...], BeforeValidator(_destinations)] = Field(
        default=(), max_length=20
    )
    """Where people are told of a plan that waits, or of a job that pauses and asks (`[[notify]]`)."""
    answer_characters: int = Field(default=24_000, ge=1_000)
    """The budget of one answer, in characters of JSON."""
    log_format: Literal["text", "json"] = "text"
    """How a server logs: lines for people, or one JSON object each with the ids of request and trace."""
    grace_seconds: float = Field(default=0, ge=0, le=600)
    """For how long a server that SIGTERM asks to end goes on serving, while `/readyz` says that it ends."""
    metrics_token: SecretStr | None = None
    """The bearer token that `/metrics` wants; without one only a bind to loopback serves it."""
    metrics_by_workspace: bool = False
    """Whether a hosted desk's metrics name workspaces, by their ids."""
    otlp_endpoint: str | None = None
    """Where traces are sent by OTLP over HTTP, without `/v1/traces`; none are made when not set."""
    otlp_headers: SecretStr | None = None
    """Headers for it, such as a key: `name=value`, separated by commas."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """How many of the requests are traced that come without a trace of their own, from 0 to 1."""
    api_urls: Names = ()
    """Of a hosted desk: origins that its workspaces may have instances at, beside Clerk's own."""
    public_url: str | None = None
    """Of a hosted desk: the origin by which browsers and agents reach it."""
    issuer: str | None = None
    """Of a hosted desk: the OpenID issuer that its people sign in with, and its agents' tokens come from."""
    client_id: str | None = None
    """Of a hosted desk: the client that it is to its issuer."""
    client_secret: SecretStr | None = None
    """Of a hosted desk: that client's secret, where it has one."""
    vault_key: SecretStr | None = None
    """Of a hosted desk: the key that opens its secrets, base64 of 32 bytes; the first of several wraps."""
    vault_key_file: Path | None = None
    """A file with such keys, one a line."""
    vault: Annotated[VaultAddress | None, BeforeValidator(VaultAddress.parse)] = None
    """Of a hosted desk: where its vault key is kept instead, Vault's transit engine or AWS KMS."""
    vault_token: SecretStr | None = None
    """The token for Vault's transit engine."""

    @field_validator("vault_key")
    @classmethod
    def _vault_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            vault_keys(value.get_secret_value())
        return value

    @field_validator("hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _HOST.fullmatch(name):
                raise ValueError(f"{name!r} is not a host name; accepted: names such as mcp.example.com")
        return value

    @field_validator("redis")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value:
            _check_redis(value.get_secret_value())
        return value

    @field_validator("api_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        return value if value is None else check_origin(value)

    @field_validator("api_urls")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(check_origin, value))

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        return value if value is None else _check_public(check_origin(value))

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        return value if value is None else check_collector(value)

    @field_validator("otlp_headers")
    @classmethod
    def _headers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            headers_in(value)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _no_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("too short, or more than printable ASCII; accepted: 16 characters or more")
        return value

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        return value if value is None else check_issuer(value)

    @field_validator("notify")
    @classmethod
    def _told_apart(cls, value: tuple[Destination, ...]) -> tuple[Destination, ...]:
        names = [item.name for item in value if item.name]
        if len(set(names)) < len(names):
            raise ValueError("two destinations have the same name")
        return value

    @classmethod
    def load(
        cls, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
    ) -> Self:
        """Settings from flags (`overrides`, by field name), the environment and the settings file.

        Raises:
            InvalidSettings: naming the setting, where it stands and what is accepted.
        """
        given = {key: value for key, value in (overrides or {}).items() if value is not None}
        variables = _from_environment(os.environ if environ is None else environ)
        home = given.get("home") or variables.get("home")
        path = settings_file(Path(home) if home else None)
        file = _from_file(path)
        if "toolsets" in variables | given:
            # A flag or a variable outweighs the file, and so what the file says for one instance.
            file = file | {"instances": _without_toolsets(file.get("instances"))}
        try:
            settings = cls(**(file | variables | given))
        except ValidationError as error:
            raise _invalid(error, path) from None
        settings.check()
        return settings

    def check(self) -> None:
        """Rules between settings."""
        if self.api_url and not self.secret_key:
            raise InvalidSettings(
                "CLERK_API_URL is set but CLERK_SECRET_KEY is not.",
                next_step="Set both, or neither to use the embedded sandbox.",
            )
        if self.instance and self.instance not in self.instances:
            known = ", ".join(self.instances) or "none are"
            raise InvalidSettings(
                f"instance {self.instance!r} is not in the settings file ({known} there).",
                next_step=f"Add an [instances.{self.instance}] table with its secret_key.",
            )
        kind = self.kind
        if self.confirm == "never" and kind == "live" and not self.allow_unconfirmed_live:
            raise InvalidSettings(
                "confirm = never is refused on a live secret key.",
                next_step=f"Use a test key, or set {_PREFIX}ALLOW_UNCONFIRMED_LIVE=true as well.",
            )

        self._check_traces()

    def _check_traces(self) -> None:
        if not self.otlp_headers:
            return
        address = self.otlp_endpoint and _parts(self.otlp_endpoint)
        if not address:
            raise InvalidSettings(
                f"{_PREFIX}OTLP_HEADERS is set but {_PREFIX}OTLP_ENDPOINT is not.",
                next_step="Set both, or neither to make no traces.",
            )
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise InvalidSettings(
                f"{_PREFIX}OTLP_HEADERS would go to {_PREFIX}OTLP_ENDPOINT unencrypted.",
                next_step="Use https, or a collector on this machine.",
            )

    @property
    def key(self) -> SecretStr:
        """The secret key in force, the sandbox's when there is none."""
        if self.secret_key:
            return self.secret_key
        return self.named.secret_key if self.named else SecretStr(SANDBOX_KEY)

    @property
    def origin(self) -> str | None:
        """The origin in force; None for the embedded sandbox."""
        origin = self.api_url or (self.named.api_url if self.named else None)
        return origin if origin or self.kind == "sandbox" else CLERK_ORIGIN

    def environment(self) -> dict[str, str]:
        """The environment of another process with these settings; only this user can read the key in it."""
        given = {
            "CLERK_SECRET_KEY": self.secret_key and self.secret_key.get_secret_value(),
            "CLERK_API_URL": self.api_url,
            f"{_PREFIX}INSTANCE": self.instance,
            f"{_PREFIX}HOME": self.home and str(self.home),
            f"{_PREFIX}DATABASE": self.database and self.database.get_secret_value(),
            f"{_PREFIX}REDIS": self.redis and self.redis.get_secret_value(),
        }
        return {**os.environ, **{name: value for name, value in given.items() if value}}

    @property
    def named(self) -> Named | None:
        """The table of the current instance, where the key comes from one."""
        return self.instances[self.instance] if self.instance and not self.secret_key else None

    @property
    def kind(self) -> Kind:
        """What the key says: `live`, `test`, or `sandbox`."""
        return key_kind(self.key.get_secret_value())

    @property
    def data(self) -> Path:
        """The folder of the databases and hand-overs."""
        if self.home:
            return self.home.expanduser()
        import platformdirs  # noqa: PLC0415 - only without a home of our own

        return platformdirs.user_data_path("deskclerk", appauthor=False)


System = Literal["linux", "macos", "windows"]


@dataclass(frozen=True, slots=True)
class UserFolders:
    """Where the programs of this user keep their own settings, on one system."""

    system: System
    home: Path
    config: Path
    """`XDG_CONFIG_HOME`, else `.config` in the home folder, whatever the system."""
    roaming: Path
    """`APPDATA`, else `AppData/Roaming` in the home folder; of use on Windows alone."""
    local: Path
    """`LOCALAPPDATA`, else `AppData/Local` in the home folder; of use on Windows alone."""
    claude: Path
    """Where Claude Code keeps `.claude.json`: `CLAUDE_CONFIG_DIR`, else the home folder."""
    codex: Path
    """Codex's folder: `CODEX_HOME`, else `.codex` in the home folder."""

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None, system: System | None = None) -> Self:
        """The folders as the environment has them; `system` is the one that runs when left out."""
        variables = os.environ if environ is None else environ
        chosen = system or _SYSTEMS.get(sys.platform, "linux")
        given = variables.get("USERPROFILE" if chosen == "windows" else "HOME")
        home = Path(given) if given else Path.home()

        def folder(name: str, otherwise: Path) -> Path:
            path = Path(variables.get(name, ""))
            # A relative path would be another folder for every program that reads it.
            return path if path.is_absolute() else otherwise

        return cls(
            system=chosen,
            home=home,
            config=folder("XDG_CONFIG_HOME", home / ".config"),
            roaming=folder("APPDATA", home / "AppData" / "Roaming"),
            local=folder("LOCALAPPDATA", home / "AppData" / "Local"),
            claude=folder("CLAUDE_CONFIG_DIR", home),
            codex=folder("CODEX_HOME", home / ".codex"),
        )


_SYSTEMS: dict[str, System] = {"darwin": "macos", "win32": "windows"}


def _without_toolsets(tables: Any) -> Any:
    """The tables of instances without their toolsets; what is no such table goes on to be refused."""
    if not isinstance(tables, Mapping):
        return tables or {}
    return {
        name: {key: value for key, value in table.items() if key != "toolsets"}
        if isinstance(table, Mapping)
        else table
        for name, table in tables.items()
    }


def key_kind(key: str) -> Kind:
    """Which kind of instance a secret key is for; InvalidSettings for what is no secret key."""
    if key == SANDBOX_KEY:
        return "sandbox"
    if key.startswith("sk_live_"):
        return "live"
    if key.startswith("sk_test_"):
        return "test"
    hint = "That is a publishable key. " if key.startswith("pk_") else ""
    raise InvalidSettings(
        f"CLERK_SECRET_KEY is not a Clerk secret key. {hint}Accepted: sk_live_… or sk_test_….",
        next_step="Copy it from Clerk Dashboard, API Keys, Secret key.",
    )


def check_origin(value: str) -> str:
    """An origin without a trailing slash; ValueError for anything else.

    Plain http is accepted for loopback only: the key travels with every request.
    """
    parts = _parts(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"not an origin; accepted: one such as {CLERK_ORIGIN}")
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise ValueError(f"an origin has no path; accepted: {parts.scheme}://{parts.netloc} (no /v1)")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("http is accepted for this machine only; use https")
    return value.rstrip("/")


def _check_public(origin: str) -> str:
    """The origin of pages, if it is spelt as browsers spell it: else no passkey of theirs would fit it.

    It is refused and not put right: the issuer has the same spelling in its redirect URI.
    """
    spelt, parts = origin.lower(), _parts(origin)
    if {"http": 80, "https": 443}[parts.scheme] == parts.port:
        spelt = spelt.rpartition(":")[0]
    if origin != spelt:
        raise ValueError(f"browsers spell it otherwise; accepted: {spelt}, at the issuer too")
    return origin


def check_collector(value: str) -> str:
    """The address of a collector of traces, which may have a path, without a trailing slash.

    Plain http goes anywhere: what is sent there holds no secret, unless `otlp_headers` does.
    """
    parts = _parts(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("not a collector's address; accepted: one such as http://collector:4318")
    if parts.query or parts.fragment or parts.path.rstrip("/").endswith("/v1/traces"):
        raise ValueError("an address without /v1/traces and without a query is wanted")
    return value.rstrip("/")


def headers_in(value: SecretStr) -> dict[str, str]:
    """Headers as `name=value` pairs with commas between them; ValueError for anything else."""
    pairs = [pair.strip().partition("=") for pair in value.get_secret_value().split(",") if pair.strip()]
    if not all(_HEADER.fullmatch(name.strip()) and text.strip() for name, _, text in pairs):
        raise ValueError("not headers; accepted: name=value, with commas between several")
    return {name.strip().lower(): text.strip() for name, _, text in pairs}


def secrets_in(settings: BaseModel) -> Iterator[str]:
    """Every secret that settings hold, and the password of one that is an address."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        found = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
        for item in found:
            if isinstance(item, BaseModel):
                yield from secrets_in(item)
            elif isinstance(item, SecretStr) and (text := item.get_secret_value()):
                yield text
                if (password := _PASSWORD.match(text)) is not None:
                    yield unquote(password[1])
                if name == "otlp_headers":
                    yield from headers_in(item).values()


def check_issuer(value: str) -> str:
    """An issuer's URL, which may have a path (OpenID Connect Discovery 1.0, 2), without a trailing slash."""
    parts = _parts(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("not an issuer; accepted: a URL such as https://clerk.example.com")
    if parts.query or parts.fragment:
        raise ValueError("an issuer has no query and no fragment (OpenID Connect Discovery 1.0)")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("http is accepted for this machine only; use https")
    return value.rstrip("/")


def _check_webhook(value: str) -> None:
    """ValueError for what is no address of a webhook; what it says never holds the address."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - looked at only when it is read
    except ValueError:
        raise ValueError("url is no address; accepted: one such as https://example.com/hooks") from None
    if not parts.hostname or parts.username or re.search(r"\s", value):
        raise ValueError("url is no address; accepted: one such as https://example.com/hooks")
    if parts.scheme.lower() == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("http is accepted for this machine only; use https")


def _check_redis(value: str) -> None:
    """ValueError for what is no address of a Redis server; what it says never holds the address."""
    accepted = "accepted: redis://HOST:PORT/0, rediss://… for an encrypted one, or unix:///PATH"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - looked at only when it is read
    except ValueError:
        raise ValueError(f"no address of a Redis server; {accepted}") from None
    there = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in _REDIS_OPTIONS or not there or parts.fragment or re.search(r"\s", value):
        raise ValueError(f"no address of a Redis server; {accepted}")
    if parts.scheme != "unix" and not re.fullmatch(r"(/[0-9]*)?", parts.path):
        raise ValueError(f"what follows the host is the number of a database; {accepted}")
    # The library ignores what it does not know, or fails much later.
    unknown = [
        name
        for name, _ in parse_qsl(parts.query, keep_blank_values=True)
        if name not in _REDIS_OPTIONS[parts.scheme]
    ]
    if unknown:
        known = ", ".join(_REDIS_OPTIONS[parts.scheme]) or "none"
        raise ValueError(f"option {unknown[0][:40]!r} is not known; accepted with {parts.scheme}: {known}")


def is_webhook_secret(text: str) -> bool:
    """Whether a text is a secret of a webhook as Svix makes them."""
    if not text.startswith("whsec_"):
        return False
    try:
        return len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) >= _WEBHOOK_BYTES
    except (binascii.Error, ValueError):
        return False


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - looked at only when it is read
    except ValueError:
        raise ValueError(f"not an origin; accepted: one such as {CLERK_ORIGIN}") from None
    return parts


def settings_file(home: Path | None) -> Path:
    """Where the settings file stands: in the home folder, else in the user's configuration folder."""
    if home:
        return home.expanduser() / "settings.toml"
    import platformdirs  # noqa: PLC0415 - only without a home of our own

    return platformdirs.user_config_path("deskclerk", appauthor=False) / "settings.toml"


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {
        field: environ[name].strip() for name, field in _CLERK_NAMES.items() if environ.get(name, "").strip()
    }
    known = [
        name
        for name in Settings.model_fields
        if name not in ("secret_key", "api_url", "instances", "callers", "tokens")
    ]
    for name, value in environ.items():
        if not name.startswith(_PREFIX):
            continue
        field = name.removeprefix(_PREFIX).lower()
        if field not in known:
            accepted = ", ".join(f"{_PREFIX}{item.upper()}" for item in known)
            raise InvalidSettings(f"{name} is not a setting.", next_step=f"Accepted: {accepted}.")
        if value.strip():
            found[field] = value.strip()
    return found


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror}.") from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{path} is not TOML: {error}.") from None
    if "home" in found:
        raise InvalidSettings(f"{path}: home cannot be set in the file that it places.")
    return found


def _place_of(loc: tuple[int | str, ...]) -> str:
    """Where a setting stands, its parts joined; entries of a list are counted from 1, as people do."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)


def _invalid(error: ValidationError, path: Path) -> InvalidSettings:
    clerk = {field: name for name, field in _CLERK_NAMES.items()}
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        field = _place_of(item["loc"])
        name = str(item["loc"][0])
        where = clerk.get(field, f"{_PREFIX}{(name if name == 'notify' else field).upper()}")
        where += f" (or {field} in {path})"
        if item["type"] == "extra_forbidden":
            problems.append(f"{field} in {path} is not a setting")
        else:
            problems.append(f"{where}: {item['msg'].removeprefix('Value error, ')}")
    return InvalidSettings("; ".join(problems) + ".", next_step="Correct it and start again.")
