"""Templates of e-mails and text messages; Clerk has deprecated their operations."""

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset
from deskclerk.catalogue.route import DESTRUCTIVE, GET, POST, PUT, READ, WRITE, Answers

TOOLSET = "messages"

TEMPLATES = Resource(
    "templates",
    "message template",
    (
        "id",
        "resource_type",
        "template_type",
        "name",
        "slug",
        "position",
        "can_revert",
        "can_delete",
        "can_edit_body",
        "can_toggle",
        "subject",
        "markup",
        "body",
        "available_variables",
    ),
    object="template",
)


class ListTemplates(
    ReadAction,
    name="clerk_templates_list",
    resource=TEMPLATES,
    route=GET("/templates/{template_type}"),
    effect=READ,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: list the templates of e-mails or text messages."""

    template_type: Id
    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetTemplate(
    ReadAction,
    name="clerk_template_get",
    resource=TEMPLATES,
    route=GET("/templates/{template_type}/{slug}"),
    effect=READ,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: read one template."""

    template_type: Id
    slug: Id


class PutTemplate(
    Action,
    name="clerk_template_put",
    resource=TEMPLATES,
    route=PUT("/templates/{template_type}/{slug}"),
    effect=WRITE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: change the words of a template."""

    template_type: Id
    slug: Id
    name: str | None = None
    subject: Nullable[str] = None
    markup: Nullable[str] = None
    body: str | None = None
    delivered_by_clerk: Nullable[bool] = None
    from_email_name: str | None = None
    reply_to_email_name: str | None = None


class PreviewTemplate(
    ReadAction,
    name="clerk_template_preview",
    resource=TEMPLATES,
    route=POST("/templates/{template_type}/{slug}/preview"),
    effect=READ,
    answers=Answers(keys=()),
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: see what a template's words would look like."""

    template_type: Id
    slug: Id
    subject: Nullable[str] = None
    body: str | None = None
    from_email_name: str | None = None
    reply_to_email_name: str | None = None


class RevertTemplate(
    Action,
    name="clerk_template_revert",
    resource=TEMPLATES,
    route=POST("/templates/{template_type}/{slug}/revert"),
    effect=DESTRUCTIVE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: put Clerk's own words in the place of a template's."""

    template_type: Id
    slug: Id


class ToggleTemplateDelivery(
    Action,
    name="clerk_template_toggle_delivery",
    titled="Switch delivery of message template",
    resource=TEMPLATES,
    route=POST("/templates/{template_type}/{slug}/toggle_delivery"),
    effect=WRITE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: say whether Clerk delivers a template's messages."""

    template_type: Id
    slug: Id
    delivered_by_clerk: bool | None = None
