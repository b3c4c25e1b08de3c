"""People and organizations that the tests of organizations begin with."""


async def user(clerk, name="ada", **more):
    """A user with the address `<name>@example.com`; the id."""
    return (await clerk.post("/users", {"email_address": [f"{name}@example.com"], **more}))["id"]


async def organization(clerk, name="Acme", **more):
    """The id of a new organization."""
    return (await clerk.post("/organizations", {"name": name, **more}))["id"]


async def join(clerk, organization_id, user_id, role="org:member"):
    return await clerk.post(
        f"/organizations/{organization_id}/memberships", {"user_id": user_id, "role": role}
    )
