"""Ways through machines: whom they may call, their secret keys, their tokens, and API keys."""

from tests.contract.visit import PASSWORD, Visit


async def machines(visit: Visit) -> None:
    """Machines, and which may call which."""
    files = await visit.post("/machines", name="Files")
    mail = await visit.post(
        "/machines", name="Mail", scoped_machines=[files["id"], files["id"]], default_token_ttl=60
    )
    place = f"/machines/{mail['id']}"
    await visit.get("/machines")
    await visit.get("/machines", query="fil", order_by="name", limit="500", offset="0")
    await visit.get("/machines", query=mail["id"], order_by="-created_at")
    await visit.get(place)
    await visit.patch(place, name="Letters", default_token_ttl=315_360_000)
    await visit.patch(place)
    await visit.get(f"{place}/secret_key")
    await visit.post(f"{place}/secret_key/rotate", previous_token_ttl=0)
    await visit.post(f"{place}/secret_key/rotate", previous_token_ttl=28_800)
    scopes = f"/machines/{files['id']}/scopes"
    await visit.post(scopes, to_machine_id=mail["id"])
    await visit.get(f"/machines/{files['id']}")
    await refused_machines(visit, place, files["id"], mail["id"])
    await visit.delete(f"{scopes}/{mail['id']}")
    await visit.refused("404 resource_not_found", f"DELETE {scopes}/{mail['id']}")
    await visit.delete(place)
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/secret_key")):
        await visit.refused("404 resource_not_found", f"{method} {place}{end}")
    await visit.refused("404 resource_not_found", f"POST {place}/secret_key/rotate", previous_token_ttl=0)
    await visit.refused("404 resource_not_found", f"POST {place}/scopes", to_machine_id=files["id"])
    await visit.refused("404 resource_not_found", f"DELETE {place}/scopes/{files['id']}")


async def refused_machines(visit: Visit, place: str, files: str, mail: str) -> None:
    """What Clerk does not take of machines."""
    scopes = f"POST /machines/{files}/scopes"
    await visit.refused("409 conflict", scopes, to_machine_id=mail)
    await visit.refused("404 resource_not_found", scopes, to_machine_id="mch_none")
    await visit.refused("422 form_param_value_invalid", scopes, to_machine_id=files)
    await visit.refused("422 form_param_missing", scopes)
    others = [(await visit.post("/machines", name=f"Node {number}"))["id"] for number in range(150)]
    full = await visit.post("/machines", name="Hub", scoped_machines=others)
    await visit.refused("403 quota_exceeded", f"POST /machines/{full['id']}/scopes", to_machine_id=files)
    many = {"name": "Hub", "scoped_machines": [*others, files]}
    await visit.refused("422 form_param_array_size_exceeded", "POST /machines", **many)
    unknown = {"name": "Hub", "scoped_machines": ["mch_none"]}
    await visit.refused("422 form_resource_not_found", "POST /machines", **unknown)
    await visit.refused("422 form_param_missing", "POST /machines")
    await visit.refused("422 form_param_min_length_exceeded", "POST /machines", name="")
    await visit.refused("422 form_param_max_length_exceeded", f"PATCH {place}", name="x" * 256)
    await visit.refused("422 form_param_value_invalid", f"PATCH {place}", default_token_ttl=0)
    rotate = f"POST {place}/secret_key/rotate"
    await visit.refused("422 form_param_value_invalid", rotate, previous_token_ttl=28_801)
    await visit.refused("422 form_param_missing", rotate)
    await visit.refused("422 form_param_value_invalid", "GET /machines", order_by="updated_at")
    await visit.refused("422 form_param_value_invalid", "GET /machines", limit="501")


def by(machine: dict) -> dict[str, str]:
    """The header with a machine's own secret key."""
    return {"Authorization": f"Bearer {machine['secret_key']}"}


async def m2m_tokens(visit: Visit) -> None:
    """Tokens of a machine that may call another one, and of which a third one knows nothing."""
    files = await visit.post("/machines", name="Files")
    mail = await visit.post("/machines", name="Mail", scoped_machines=[files["id"]])
    mine, theirs = by(mail), by(files)
    path = "/m2m_tokens"
    plain = await visit.send("POST", path, json={}, headers=mine)
    given = {"token_format": "opaque", "claims": {"job": [1]}, "seconds_until_expiration": 600.5}
    full = await visit.send("POST", path, json={**given, "min_remaining_ttl_seconds": 60}, headers=mine)
    await visit.send("POST", path, json={**given, "min_remaining_ttl_seconds": 0}, headers=mine)
    nulls = {"claims": None, "seconds_until_expiration": None}
    await visit.send("POST", path, json=nulls, headers=mine)
    signed = await visit.send("POST", path, json={"token_format": "jwt", "claims": {"job": 1}}, headers=mine)
    await visit.send("POST", path, json={"token_format": "jwt"}, headers=mine)
    await visit.get(path, subject=mail["id"])
    await visit.get(path, subject=mail["id"], revoked="true", expired="true", limit="100", offset="1")
    await visit.send("GET", path, query={"subject": mail["id"]}, headers=mine)
    for token in (plain, full, signed):
        await visit.post(f"{path}/verify", token=token["token"])
        await visit.send("POST", f"{path}/verify", json={"token": token["token"]}, headers=theirs)
    await visit.post(f"{path}/{plain['id']}/revoke", revocation_reason="Lost")
    await visit.post(f"{path}/{plain['id']}/revoke", revocation_reason=None)
    await visit.send("POST", f"{path}/{full['id']}/revoke", json={}, headers=mine)
    await refused_m2m_tokens(visit, mail, files, plain, signed)


async def refused_m2m_tokens(visit: Visit, mail: dict, files: dict, revoked: dict, signed: dict) -> None:
    """What Clerk does not take of tokens, and whose keys it does not take."""
    mine, theirs, path = by(mail), by(files), "/m2m_tokens"

    async def refused(expected: str, method: str, place: str, headers: dict, **more) -> None:
        await visit.send(method, place, expected=expected, headers=headers, **more)

    await visit.refused("401 clerk_key_invalid", f"POST {path}")
    wrong_key = {"Authorization": "Bearer ak_none"}
    await refused("401 clerk_key_invalid", "POST", path, wrong_key, json={})
    await refused("401 clerk_key_invalid", "GET", "/machines", mine)
    await refused("401 clerk_key_invalid", "POST", "/api_keys/verify", mine, json={"secret": "ak_none"})
    for wrong in (
        {"token_format": "paper"},
        {"claims": "none"},
        {"seconds_until_expiration": 0},
        {"seconds_until_expiration": 1e300},
        {"min_remaining_ttl_seconds": -1},
        {"min_remaining_ttl_seconds": 3600},
        {"min_remaining_ttl_seconds": 60, "seconds_until_expiration": 60},
        {"favourite_colour": "blue"},
    ):
        await refused("400 bad_request", "POST", path, mine, json=wrong)
    own = {"token_format": "jwt", "claims": {"sub": "me"}}
    await refused("400 machine_token_reserved_claim", "POST", path, mine, json=own)
    await refused("403 authorization_invalid", "GET", path, theirs, query={"subject": mail["id"]})
    await visit.refused("404 resource_not_found", f"GET {path}", subject="mch_none")
    await visit.refused("400 bad_request", f"GET {path}")
    await visit.refused("400 bad_request", f"GET {path}", subject=mail["id"], limit="101")
    verify, none = f"{path}/verify", "404 resource_not_found"
    for token in (revoked["token"], "mt_none", "a.b.c", ""):
        await visit.refused(none, f"POST {verify}", token=token)
    await refused(none, "POST", verify, mine, json={"token": signed["token"]})
    await visit.refused("400 bad_request", f"POST {verify}")
    await visit.refused("400 bad_request", f"POST {verify}", token=1)
    await visit.refused(none, f"POST {path}/{signed['id']}/revoke")
    await refused(none, "POST", f"{path}/{revoked['id']}/revoke", theirs, json={})
    await visit.refused("400 bad_request", f"POST {path}/{revoked['id']}/revoke", revocation_reason=1)


async def api_keys(visit: Visit) -> None:
    """Keys of a user, an organization and a machine."""
    user = await visit.post("/users", username="key_owner", password=PASSWORD)
    team = await visit.post("/organizations", name="Key owners")
    node = await visit.post("/machines", name="Key owner")
    full = await visit.post(
        "/api_keys",
        name="Reports",
        subject=user["id"],
        type="reporting",
        description="For the monthly report",
        claims={"plan": {"seats": [1, 2.5, None]}},
        scopes=["read", "write"],
        created_by=user["id"],
        seconds_until_expiration=0.5,
    )
    for owner in (user, team, node):
        await visit.post("/api_keys", name="Plain", subject=owner["id"])
    nulls = {"description": None, "claims": None, "created_by": None, "seconds_until_expiration": None}
    plain = await visit.post("/api_keys", name="Nothing", subject=team["id"], **nulls)
    await visit.get("/api_keys", subject=user["id"])
    await visit.get("/api_keys", subject=node["id"], type="api_key", limit="100", offset="0")
    await visit.get("/api_keys", subject=team["id"], include_invalid="true", query="noth")
    place = f"/api_keys/{plain['id']}"
    await visit.get(place)
    change = {"claims": {}, "scopes": [], "description": "Some", "seconds_until_expiration": 3600}
    await visit.patch(place, **change, subject=user["id"])
    await visit.patch(place, claims=None, description=None, seconds_until_expiration=None)
    await visit.patch(place)
    await visit.get(f"{place}/secret")
    await visit.post("/api_keys/verify", secret=plain["secret"])
    await visit.post(f"{place}/revoke", revocation_reason="Lost")
    await visit.post(f"{place}/revoke", revocation_reason=None)
    await refused_api_keys(visit, place, team["id"], plain["secret"])
    await visit.delete(f"/api_keys/{full['id']}")
    await visit.delete(place)
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/secret"), ("POST", "/revoke")):
        await visit.refused("404 resource_not_found", f"{method} {place}{end}")


async def refused_api_keys(visit: Visit, place: str, team: str, secret: str) -> None:
    """What Clerk does not take of API keys."""
    for wrong in (secret, "ak_none"):
        await visit.refused("404 resource_not_found", "POST /api_keys/verify", secret=wrong)
    await visit.refused("400 bad_request", "POST /api_keys/verify")
    good = {"name": "Another", "subject": team}
    for wrong in (
        {"name": "ab"},
        {"name": " Another"},
        {"subject": "nobody"},
        {"subject": "user_none"},
        {"created_by": "user_none"},
        {"type": "x" * 26},
        {"description": "x" * 256},
        {"scopes": [1]},
        {"claims": "none"},
        {"seconds_until_expiration": 0},
        {"seconds_until_expiration": -0.5},
        {"seconds_until_expiration": "long"},
        {"seconds_until_expiration": 10**12},
        {"favourite_colour": "blue"},
    ):
        await visit.refused("400 bad_request", "POST /api_keys", **good | wrong)
    await visit.refused("400 bad_request", "POST /api_keys", name="Another")
    await visit.refused("409 conflict", "POST /api_keys", **good | {"name": "Plain"})
    await visit.refused("400 bad_request", f"PATCH {place}", subject="org_none")
    await visit.refused("400 bad_request", f"PATCH {place}", name="Renamed")
    await visit.refused("400 bad_request", "GET /api_keys")
    await visit.refused("404 resource_not_found", "GET /api_keys", subject="scim_none")
    await visit.refused("400 bad_request", "GET /api_keys", subject=team, limit="101")
    await visit.refused("400 bad_request", "GET /api_keys", subject=team, include_invalid="maybe")


MACHINE_JOURNEYS = (machines, m2m_tokens, api_keys)
