"""The templates that every instance begins with, and the variables that their words may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

EMAIL, SMS = "email", "sms"
COMMON: Mapping[str, str] = {
    "app.name": "",
    "app.url": "",
    "app.domain_name": "",
    "app.logo_url": "",
    "app.logo_image_url": "",
    "theme.primary_color": "#335bf1",
    "theme.button_text_color": "#ffffff",
    "theme.show_clerk_branding": "true",
}
"""What all messages may have; those of the app are known when a message is made."""
SAMPLES: Mapping[str, str] = {
    "otp_code": "123456",
    "magic_link": "https://example.com/v1/verify?token=sample",
    "action_url": "https://example.com/v1/tickets/accept?ticket=sample",
    "ttl_minutes": "10",
    "requested_at": "30 June 2026, 12:00 UTC",
    "requested_by": "Firefox, Linux",
    "inviter_name": "Ada Lovelace",
    "invitation.expires_in_days": "30",
    "invitation.public_metadata": "",
    "org.name": "Analytical Engines",
    "org.public_metadata": "",
    "user.first_name": "Grace",
    "user.last_name": "Hopper",
    "user.public_metadata": "",
    "greeting_name": "Grace",
    "primary_email_address": "grace@example.com",
    "new_email_address": "grace.hopper@example.com",
    "device_type": "Laptop",
    "browser_name": "Firefox",
    "ip_address": "192.0.2.1",
    "location": "Lisbon, PT",
    "passkey_name": "Laptop",
    "lockout_minutes": "60",
}
"""What a preview has in the place of each variable."""


@dataclass(frozen=True, slots=True)
class Default:
    """One template: its words as paragraphs, of which one that is a variable in full is an address.

    `variables` are its own beside the common ones, of which the `required` must be in every body.
    """

    kind: str
    slug: str
    name: str
    subject: str
    paragraphs: tuple[str, ...]
    variables: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    notifies: bool = False

    @property
    def markup(self) -> str:
        """The words as they are edited."""
        return "\n\n".join(self.paragraphs)

    @property
    def body(self) -> str:
        """The words as they are sent: HTML in an e-mail."""
        return (
            "\n".join(map(_paragraph, self.paragraphs)) if self.kind == EMAIL else " ".join(self.paragraphs)
        )

    @property
    def can_edit_body(self) -> bool:
        """Whether the words may be changed: those of a text message with a code may not."""
        return self.kind == EMAIL or self.notifies


def _paragraph(text: str) -> str:
    if text.startswith("{{") and text.endswith("}}"):
        return f'<p><a href="{text}">{text}</a></p>'
    return f"<p>{escape(text)}</p>"


_ASKED = ("requested_at", "requested_by")
_IF_NOT_YOU = "It was asked for with {{requested_by}}, {{requested_at}}. If that was not you, do nothing."
_WHO = ("greeting_name", "user.first_name", "user.last_name", "user.public_metadata")
_HELLO = "Hello {{greeting_name}},"
_HELP = "If that was not you, change how you sign in, and tell those who run {{app.name}}."
_INVITED = ("inviter_name", "action_url", "invitation.expires_in_days", "invitation.public_metadata")
_EXPIRES = "The invitation is good for {{invitation.expires_in_days}} days."


def _code(kind: str, slug: str, name: str, purpose: str) -> Default:
    about = f"{{{{otp_code}}}} is your code {purpose} {{{{app.name}}}}"
    paragraphs = (f"{about}.", "Give it to nobody.", *([_IF_NOT_YOU] if kind == EMAIL else []))
    return Default(
        kind,
        slug,
        name,
        about if kind == EMAIL else "",
        paragraphs,
        ("otp_code", *_ASKED),
        ("otp_code",),
    )


def _link(slug: str, name: str, purpose: str) -> Default:
    return Default(
        EMAIL,
        slug,
        name,
        f"Your link to {purpose} {{{{app.name}}}}",
        (
            f"With this link you {purpose} {{{{app.name}}}}. It is good for {{{{ttl_minutes}}}} minutes.",
            "{{magic_link}}",
            _IF_NOT_YOU,
        ),
        ("magic_link", "ttl_minutes", *_ASKED),
        ("magic_link",),
    )


def _invitation(slug: str, name: str, subject: str, text: str, *more: str) -> Default:
    paragraphs = (text, "{{action_url}}", _EXPIRES)
    return Default(EMAIL, slug, name, subject, paragraphs, (*_INVITED, *more), ("action_url",))


def _news(kind: str, slug: str, name: str, text: str, *more: str, warns: bool = True) -> Default:
    help_too = [_HELP] if warns else []
    paragraphs = (_HELLO, text, *help_too) if kind == EMAIL else (text,)
    subject = f"{{{{app.name}}}}: {name[0].lower()}{name[1:]}" if kind == EMAIL else ""
    return Default(kind, slug, name, subject, paragraphs, (*_WHO, *more), notifies=True)


_ORG = ("org.name", "org.public_metadata")
_PASSWORD_CHANGED = "Your password for {{app.name}} was changed."  # noqa: S105 - words about one
_PASSWORD_REMOVED = "Your password for {{app.name}} was removed."  # noqa: S105
_ALL = (
    _code(EMAIL, "verification_code", "Verification code", "for"),
    _link("magic_link_sign_in", "Sign-in link", "sign in to"),
    _link("magic_link_sign_up", "Sign-up link", "sign up for"),
    _link("magic_link_user_profile", "Link that verifies an address", "verify your address in"),
    _code(EMAIL, "reset_password_code", "Code to reset a password", "for a new password in"),
    _invitation(
        "invitation",
        "Invitation",
        "Your invitation to {{app.name}}",
        "{{#if inviter_name}}{{inviter_name}} invites you{{else}}You are invited{{/if}} to {{app.name}}.",
    ),
    _news(
        EMAIL,
        "waitlist_confirmation",
        "Place on the waitlist",
        "You are on the waitlist of {{app.name}}: you will hear when it is your turn.",
        warns=False,
    ),
    _invitation(
        "waitlist_invitation",
        "Invitation from the waitlist",
        "It is your turn: {{app.name}}",
        "Thank you for waiting: {{app.name}} has a place for you.",
    ),
    _invitation(
        "organization_invitation",
        "Invitation to an organization",
        "Your invitation to {{org.name}}",
        "{{inviter_name}} invites you to join {{org.name}} in {{app.name}}.",
        *_ORG,
    ),
    _news(
        EMAIL,
        "organization_invitation_accepted",
        "Accepted invitation to an organization",
        "{{primary_email_address}} is a member of {{org.name}} from now on.",
        "primary_email_address",
        *_ORG,
        warns=False,
    ),
    _news(
        EMAIL,
        "organization_membership_requested",
        "Request to join an organization",
        "{{primary_email_address}} asks to join {{org.name}}.",
        "primary_email_address",
        *_ORG,
        warns=False,
    ),
    _code(EMAIL, "affiliation_code", "Code that verifies an organization's domain", "for a domain in"),
    _news(EMAIL, "password_changed", "Changed password", _PASSWORD_CHANGED, "primary_email_address"),
    _news(EMAIL, "password_removed", "Removed password", _PASSWORD_REMOVED, "primary_email_address"),
    _news(
        EMAIL,
        "primary_email_address_changed",
        "Changed primary e-mail address",
        "From now on {{app.name}} writes to {{new_email_address}}.",
        "new_email_address",
    ),
    _news(
        EMAIL,
        "new_device_sign_in",
        "Sign-in from a new device",
        "You signed in with {{browser_name}} on {{device_type}}, from {{ip_address}} ({{location}}).",
        "browser_name",
        "device_type",
        "ip_address",
        "location",
        *_ASKED,
    ),
    _news(
        EMAIL,
        "account_locked",
        "Locked account",
        "After too many attempts nobody can sign in as you for {{lockout_minutes}} minutes.",
        "lockout_minutes",
    ),
    _news(EMAIL, "passkey_added", "New passkey", "{{passkey_name}} is a passkey of yours.", "passkey_name"),
    _news(
        EMAIL,
        "passkey_removed",
        "Removed passkey",
        "{{passkey_name}} is no passkey of yours any more.",
        "passkey_name",
    ),
    _code(SMS, "verification_code", "Verification code", "for"),
    _code(SMS, "reset_password_code", "Code to reset a password", "for a new password in"),
    _news(SMS, "password_changed", "Changed password", _PASSWORD_CHANGED),
    _news(SMS, "password_removed", "Removed password", _PASSWORD_REMOVED),
)

DEFAULTS: Mapping[str, Mapping[str, Default]] = {
    kind: {item.slug: item for item in _ALL if item.kind == kind} for kind in (EMAIL, SMS)
}
"""By type and slug, in the order in which they are listed."""
