"""Ways through message templates, and through what stands for a user elsewhere."""

from tests.contract.settings_journeys import PNG
from tests.contract.visit import PASSWORD, Visit

TEMPLATE_ENDS = ("/revert", "/preview", "/toggle_delivery")


async def application_logos(visit: Visit) -> None:
    """A logo of an OAuth application, put in the place of another."""
    made = await visit.post("/oauth_applications", name="Pictured")
    place = f"/oauth_applications/{made['id']}/logo"
    file = {"file": ("logo.png", PNG, "image/png")}
    await visit.send("PUT", place, files=file)
    await visit.send("PUT", place, files=file, data={"uploader_user_id": "user_none"})
    missing = "400 form_param_missing"
    await visit.send("PUT", place, files={"other": ("logo.png", PNG)}, expected=missing)
    await visit.send("PUT", place, files={"file": ("a.txt", b"words", "text/plain")}, expected="422")
    none = "/oauth_applications/oa_none/logo"
    await visit.send("PUT", none, files=file, expected="404 resource_not_found")
    await visit.delete(f"/oauth_applications/{made['id']}")


async def templates(visit: Visit) -> None:
    """Templates of both types: read, changed, previewed, reverted."""
    await visit.get("/templates/email")
    await visit.get("/templates/sms", limit="2", offset="1", paginated="true")
    place = "/templates/email/invitation"
    await visit.get(place)
    words = {
        "subject": "Come to {{app.name}}",
        "body": "<p>{{action_url}}</p>",
        "from_email_name": "hello",
        "reply_to_email_name": "help",
    }
    await visit.post(f"{place}/preview", **words)
    await visit.post(f"{place}/preview")
    more = {"name": "Invitation of ours", "markup": "{{action_url}}", "delivered_by_clerk": True}
    await visit.ask("PUT", place, words | more)
    await visit.ask("PUT", place, {"subject": None, "markup": None, "delivered_by_clerk": None})
    await visit.post("/templates/sms/password_changed/toggle_delivery", delivered_by_clerk=False)
    await visit.post("/templates/sms/password_changed/toggle_delivery")
    await visit.refused("422 required_variable_missing", f"PUT {place}", body="Come")
    await visit.refused("422 invalid_template_body", f"PUT {place}", body="{{action_url}} {{#if")
    await visit.refused("422 invalid_template_body", f"POST {place}/preview", subject="")
    await visit.refused("422 form_param_format_invalid", f"PUT {place}", from_email_name="a b")
    await visit.refused("422 form_param_value_invalid", f"PUT {place}", name="")
    await visit.refused("422 form_param_unknown", f"PUT {place}", favourite_colour="blue")
    code = "/templates/sms/verification_code"
    await visit.refused("400 template_body_modification_restricted", f"PUT {code}", body="{{otp_code}}")
    await visit.post(f"{place}/revert")
    await visit.refused("400 template_revert_error", f"POST {place}/revert")
    for method, end in (("GET", ""), ("PUT", ""), *(("POST", end) for end in TEMPLATE_ENDS)):
        await visit.refused("404 resource_not_found", f"{method} /templates/email/none{end}")
        await visit.refused("400 template_type_unsupported", f"{method} /templates/fax/invitation{end}")
    await visit.refused("400 template_type_unsupported", "GET /templates/fax")
    await visit.refused("422", "GET /templates/email", limit="0")


async def agent_tasks(visit: Visit) -> None:
    """Tasks of agents, made for a user and revoked."""
    address = "principal@contract.example"
    user = await visit.post("/users", email_address=[address], password=PASSWORD)
    given = {
        "on_behalf_of": {"user_id": user["id"]},
        "permissions": "*",
        "agent_name": "helper",
        "task_description": "Pay the invoices",
        "redirect_url": "https://contract.example/done",
    }
    made = await visit.post("/agents/tasks", **given, session_max_duration_in_seconds=600)
    await visit.post("/agents/tasks", **given | {"on_behalf_of": {"identifier": address}})
    await visit.post(f"/agents/tasks/{made['agent_task_id']}/revoke")
    again = f"POST /agents/tasks/{made['agent_task_id']}/revoke"
    await visit.refused("400 agent_task_cannot_be_revoked", again)
    await visit.refused("404 agent_task_not_found", "POST /agents/tasks/agent_task_none/revoke")
    create = "POST /agents/tasks"
    nobody = given | {"on_behalf_of": {"identifier": "nobody@contract.example"}}
    await visit.refused("404 agent_task_subject_not_found", create, **nobody)
    await visit.refused("422 form_param_missing", create, **given | {"on_behalf_of": {}})
    both = given | {"on_behalf_of": {"user_id": user["id"], "identifier": address}}
    await visit.refused("422 form_conditional_param_disallowed", create, **both)
    await visit.refused("422 form_param_format_invalid", create, **given | {"redirect_url": "/done"})
    await visit.refused("422 form_param_value_invalid", create, **given | {"permissions": "some"})
    await visit.refused("422", create, **given, session_max_duration_in_seconds=0)
    await visit.refused("422 form_param_missing", create)


async def credentials(visit: Visit) -> None:
    """Passkeys, trusted devices and Google's tokens of the company's people."""
    people = await visit.get("/users", order_by="created_at", limit="100")
    (holder, *_) = [user for user in people if user["passkeys"]]
    passkey = f"/users/{holder['id']}/passkeys/{holder['passkeys'][0]['id']}"
    await visit.delete(passkey)
    await visit.refused("404 resource_not_found", f"DELETE {passkey}")
    devices = f"/users/{people[2]['id']}/trusted_devices"
    first = (await visit.get(devices))["data"][0]["id"]
    await visit.delete(f"{devices}/{first}")
    await visit.refused("404 resource_not_found", f"DELETE {devices}/{first}")
    await visit.refused("404 resource_not_found", "GET /users/user_none/trusted_devices")
    tokens = [
        f"/users/{user['id']}/oauth_access_tokens/oauth_google"
        for user in people
        if any(account["provider"] == "oauth_google" for account in user["external_accounts"])
    ]
    await visit.refused("400 oauth_token_retrieval_error", f"GET {tokens[0]}")
    await visit.refused("422 oauth_missing_refresh_token", f"GET {tokens[1]}")
    await visit.get(tokens[2])
    await visit.get(tokens[2], paginated="true", limit="1", offset="0")
    place = f"/users/{people[0]['id']}/oauth_access_tokens"
    await visit.get(f"{place}/oauth_github")
    await visit.refused("400 oauth_unsupported_provider", f"GET {place}/oauth_none")
    await visit.refused("404 oauth_token_provider_not_enabled", f"GET {place}/oauth_custom_none")
    none = "/users/user_none/oauth_access_tokens/oauth_google"
    await visit.refused("404 resource_not_found", f"GET {none}")


async def oauth_tokens(visit: Visit) -> None:
    """The tokens of the company's applications, verified and revoked."""
    verify = "/oauth_applications/access_tokens/verify"
    for name in ("good", "expired", "lasting", "revoked"):
        await visit.post(verify, access_token=f"oat_company_{name}")
    good = await visit.post(verify, secret="oat_company_good")
    await visit.refused("404 resource_not_found", f"POST {verify}", access_token="oat_none")
    await visit.refused("400 bad_request", f"POST {verify}")
    found = await visit.get("/oauth_applications", name_query=good["client_id"])
    place = f"POST /oauth_applications/{found['data'][0]['id']}/revoke_token"
    await visit.post(place.removeprefix("POST "), token="ort_company_good")
    await visit.post(verify, access_token="oat_company_good")
    await visit.refused("404 resource_not_found", place, token="oat_company_lasting")
    await visit.refused("422 form_param_missing", place)
    await visit.refused(
        "404 resource_not_found", "POST /oauth_applications/oa_none/revoke_token", token="oat_company_good"
    )


MESSAGE_JOURNEYS = (application_logos, templates, agent_tasks, credentials, oauth_tokens)
