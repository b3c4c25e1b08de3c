"""JWT templates: the tokens that an application has minted for other services."""

from typing import Annotated, Any

from annotated_types import Ge, Le

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Nullable, Offset, Secret, about, needed
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Send
from deskclerk.errors import InvalidRequest

JWT_TEMPLATES = Resource(
    "jwt-templates",
    "JWT template",
    (
        "id",
        "name",
        "claims",
        "lifetime",
        "allowed_clock_skew",
        "custom_signing_key",
        "signing_algorithm",
        "updated_at",
    ),
)

Lifetime = Annotated[int, Ge(30), Le(315360000)]
ClockSkew = Annotated[int, Ge(0), Le(300)]


class ListJwtTemplates(
    ReadAction,
    name="clerk_jwt_templates_list",
    resource=JWT_TEMPLATES,
    route=GET("/jwt_templates"),
    effect=READ,
):
    """List the JWT templates."""

    paginated: bool | None = about("false: no total", default=True)
    limit: Limit | None = None
    offset: Offset | None = None


class GetJwtTemplate(
    ReadAction,
    name="clerk_jwt_template_get",
    resource=JWT_TEMPLATES,
    route=GET("/jwt_templates/{template_id}"),
    effect=READ,
):
    """Read one JWT template by id."""

    template_id: Id


class CreateJwtTemplate(
    Action,
    name="clerk_jwt_template_create",
    resource=JWT_TEMPLATES,
    route=POST("/jwt_templates"),
    effect=WRITE,
):
    """Create a JWT template; claims may hold shortcodes such as {{user.id}}."""

    name: str
    claims: Json = needed("not azp, exp, iat, iss, jti, nbf, sub")
    lifetime: Nullable[Lifetime] = about("seconds")
    allowed_clock_skew: Nullable[ClockSkew] = None
    custom_signing_key: bool | None = about("needs signing_algorithm and signing_key")
    signing_algorithm: Nullable[str] = None
    signing_key: Annotated[Nullable[str], Secret()] = None

    def check(self) -> None:
        """A custom key comes with its algorithm."""
        check_signing(self)


class UpdateJwtTemplate(
    Action,
    name="clerk_jwt_template_update",
    resource=JWT_TEMPLATES,
    route=PATCH("/jwt_templates/{template_id}"),
    also=(GET("/jwt_templates/{template_id}"),),
    effect=WRITE,
):
    """Change fields of a JWT template; what is left out stays, `claims` replaces all claims."""

    template_id: Id
    name: str | None = None
    claims: Json | None = None
    lifetime: Nullable[Lifetime] = about("seconds")
    allowed_clock_skew: Nullable[ClockSkew] = None
    custom_signing_key: bool | None = None
    signing_algorithm: Nullable[str] = None
    signing_key: Annotated[Nullable[str], Secret()] = None

    def check(self) -> None:
        """A custom key comes with its algorithm."""
        super().check()
        check_signing(self)

    async def perform(self, send: Send) -> Any:
        """Clerk requires name and claims on every PATCH: take what is not given from the template."""
        # Read just before it is written: what is left out should stay as it is now, not as it was planned.
        current = await send(self.request_to(self.spec.also[0]))
        kept = {name: current[name] for name in ("name", "claims") if name in current}
        return await send(self.request_to(self.spec.route, kept | self.given("body")))


class DeleteJwtTemplate(
    Action,
    name="clerk_jwt_template_delete",
    resource=JWT_TEMPLATES,
    route=DELETE("/jwt_templates/{template_id}"),
    effect=DESTRUCTIVE,
):
    """Delete a JWT template: tokens can no longer be minted from it."""

    template_id: Id


def check_signing(action: CreateJwtTemplate | UpdateJwtTemplate) -> None:
    """Clerk's rule: custom_signing_key true requires signing_key and signing_algorithm."""
    missing = [name for name in ("signing_algorithm", "signing_key") if getattr(action, name) is None]
    if action.custom_signing_key and missing:
        problem = "required when custom_signing_key is true"
        raise InvalidRequest(
            f"{action.spec.name}: {' and '.join(missing)}: {problem}.",
            problems=[(name, problem) for name in missing],
        )
