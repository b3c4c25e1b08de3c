"""What a person does on the issuer's pages, without a browser: its forms are read and sent as they stand."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The pair of RFC 7636's appendix B."""


@dataclass
class Form:
    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)

    def sent(self, name, value):
        """What a browser sends when this button is pressed."""
        assert (name, value) in self.buttons, f"no button {name}={value} among {self.buttons}"
        return urlencode([*self.fields, (name, value)])


class Page(HTMLParser):
    """The forms of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.text, self.open = [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.open = Form(given.get("method", "get"), given["action"])
            self.forms.append(self.open)
        elif tag == "input" and given["type"] == "hidden":
            self.open.fields.append((given["name"], given["value"]))
        elif tag == "button" and "disabled" in given:
            self.open.disabled.append(given["value"])
        elif tag == "button" and "name" in given:
            self.open.buttons.append((given["name"], given["value"]))

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None

    def handle_data(self, data):
        self.text += data

    def form_with(self, name, value):
        (found,) = [item for item in self.forms if (name, value) in item.buttons]
        return found


async def press(http, page, name, value):
    """Press a button, as a browser that says where the form comes from."""
    form = page.form_with(name, value)
    assert form.method == "post"
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "origin": "{0.scheme}://{0.netloc}".format(urlsplit(form.action)),
        "sec-fetch-site": "same-origin",
    }
    return await http.post(form.action, content=form.sent(name, value), headers=headers)


def sent_back(answer):
    """Where a redirect goes, without what is said there, and what is said."""
    assert answer.status_code in (302, 303), answer.text
    parts = urlsplit(answer.headers["location"])
    said = parse_qsl(parts.query, strict_parsing=True)
    assert len(said) == len(dict(said))
    return parts._replace(query="").geturl(), dict(said)


async def sign_in(http, address, user_id):
    """All of the way: the page with the users, the consent, and back; what is said there."""
    answer = await http.get(address)
    assert answer.status_code == 200, answer.text
    answer = await press(http, Page(answer.text), "user_id", user_id)
    assert answer.status_code == 200, answer.text
    return sent_back(await press(http, Page(answer.text), "decision", "allow"))[1]
