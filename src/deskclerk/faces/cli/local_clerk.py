"""Serves the sandbox on a port, and says how to point Clerk's SDKs at it."""

import asyncio
import ipaddress
import json
import signal
import socket
import sys
from pathlib import Path

import click

from deskclerk.errors import InvalidSettings
from deskclerk.faces.cli.state import State
from deskclerk.settings import SANDBOX_KEY


async def serve_sandbox(state: State, host: str, port: int, location: str | Path, token: str | None) -> None:
    """Serve until SIGINT or SIGTERM; InvalidSettings if the address cannot be bound."""
    from deskclerk.sandbox import open_sandbox  # noqa: PLC0415 - only here
    from deskclerk.sandbox.serving import serving  # noqa: PLC0415

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with _listen(host, port) as listener:
        async with open_sandbox(location) as opened, serving(opened, listener, token=token):
            _say_ready(state, _origin(host, listener.getsockname()[1]), location)
            if not _is_loopback(listener.getsockname()[0]):
                closed = "" if token else " Its controls are closed: they need DESKCLERK_TOKEN."
                click.echo(
                    f"Warning: other machines can reach this, and its key is known to all.{closed}", err=True
                )
            await ended.wait()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        raise InvalidSettings(
            f"{host}:{port} cannot be listened on: {error.strerror}.",
            next_step="Choose another with --host and --port (0 takes any free port).",
        ) from None


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _origin(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_ready(state: State, origin: str, location: str | Path) -> None:
    if state.as_json:
        facts = {
            "url": origin,
            "backend_api": f"{origin}/v1",
            "secret_key": SANDBOX_KEY,
            "db": _shown(location),
        }
        click.echo(json.dumps(facts, separators=(",", ":")))
    else:
        click.echo(f"Sandbox listening on {origin} (Backend API under /v1), kept in {_shown(location)}\n")
        click.echo("Point Clerk's SDKs, or deskclerk, at it:")
        click.echo(f"  export CLERK_SECRET_KEY={SANDBOX_KEY} CLERK_API_URL={origin}")
        click.echo(f'  Python      Clerk(bearer_auth="{SANDBOX_KEY}", server_url="{origin}/v1")')
        click.echo(f'  JavaScript  createClerkClient({{ secretKey: "{SANDBOX_KEY}", apiUrl: "{origin}" }})\n')
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()


def _shown(location: str | Path) -> str:
    """A database's place; of a URL, no password."""
    text = str(location)
    if "://" not in text:
        return text
    from sqlalchemy import make_url  # noqa: PLC0415 - only for a URL

    return make_url(text).render_as_string(hide_password=True)
