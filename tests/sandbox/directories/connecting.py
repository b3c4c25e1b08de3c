"""Enterprise connections for directories to be of."""


async def connect(clerk, name="acme", *, headers=None, **more):
    """The id of a new connection, with a domain of its own."""
    body = {"name": name.title(), "provider": "oidc_custom", "domains": [f"{name}.example"], **more}
    status, made = await clerk.ask("POST", "/enterprise_connections", json=body, headers=headers)
    assert status == 201, made
    return made["id"]
