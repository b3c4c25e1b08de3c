"""Ways through message templates, and through what stands for a user elsewhere."""

from tests.contract.settings_journeys import PNG
from tests.contract.visit import Visit


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


MESSAGE_JOURNEYS = (application_logos,)
