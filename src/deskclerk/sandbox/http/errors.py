"""Everything the sandbox can refuse with: Clerk's codes and statuses, our own sentences.

A rule raises one of the refusals made here; the app turns it into Clerk's error envelope. STATUS is
the one list of codes in use; a code that has another status in some place is given it there. `envelope`
is how Clerk writes them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

STATUS: Mapping[str, int] = {
    "actor_token_cannot_be_revoked_code": 400,
    "agent_task_cannot_be_revoked": 400,
    "agent_task_not_found": 404,
    "agent_task_subject_not_found": 404,
    "already_a_member_in_organization": 400,
    "api_version_invalid": 400,
    "authorization_header_format_invalid": 401,
    "authorization_invalid": 403,
    "bad_request": 400,
    "bulk_size_exceeded": 400,
    "clerk_key_invalid": 401,
    "commerce_subscription_item_cannot_be_canceled": 422,
    "commerce_subscription_item_cannot_be_ended": 422,
    "conflict": 409,
    "cookie_invalid": 400,
    "default_plan_price_creation_forbidden": 422,
    "delete_linked_identification_disallowed": 400,
    "discount_not_found": 404,
    "domain_update_forbidden": 400,
    "duplicate_record": 400,
    "expired_session_token_invalid": 401,
    "expired_session_token_missing_azp": 401,
    "expired_session_token_missing_sid": 401,
    "feature_not_enabled": 400,
    "form_already_exists": 422,
    "form_conditional_param_disallowed": 422,
    "form_conditional_param_missing": 422,
    "form_data_missing": 422,
    "form_identifier_exists": 422,
    "form_invalid_origin": 422,
    "form_param_array_length_mismatch": 422,
    "form_param_array_size_exceeded": 422,
    "form_param_duplicate": 422,
    "form_param_exceeds_allowed_size": 422,
    "form_param_format_invalid": 422,
    "form_param_max_length_exceeded": 422,
    "form_param_min_length_exceeded": 422,
    "form_param_missing": 422,
    "form_param_nil": 422,
    "form_param_type_invalid": 422,
    "form_param_unknown": 422,
    "form_param_value_conflict": 422,
    "form_param_value_invalid": 422,
    "form_password_digest_invalid_code": 422,
    "form_password_length_too_short": 422,
    "form_password_pwned": 422,
    "form_password_size_in_bytes_exceeded": 422,
    "form_public_client_requires_pkce": 422,
    "form_resource_not_found": 422,
    "form_username_invalid_character": 422,
    "form_username_invalid_length": 422,
    "form_username_needs_non_number_char": 422,
    "form_verification_needed": 422,
    "identification_claimed": 400,
    "identification_create_second_factor_unverified": 400,
    "identification_update_failed": 400,
    "identification_update_second_factor_unverified": 400,
    "image_not_found": 404,
    "image_too_large": 413,
    "incorrect_password": 422,
    "insecure_url": 422,
    "insufficient_credit_balance": 422,
    "internal_clerk_error": 500,
    "invalid_credit_action": 422,
    "invalid_credit_amount": 422,
    "invalid_template_body": 422,
    "invalid_totp_secret_code": 422,
    "invitation_already_accepted": 400,
    "invitation_already_revoked": 400,
    "jwt_template_reserved_claim": 400,
    "last_required_identification_deletion_failed": 400,
    "machine_token_reserved_claim": 400,
    "missing_organization_permission": 403,
    "no_password_set": 400,
    "not_a_member_in_organization": 403,
    "not_allowed_access": 403,
    "oauth_application_consent_screen_cannot_be_disabled": 422,
    "oauth_missing_access_token": 422,
    "oauth_missing_refresh_token": 422,
    "oauth_token_provider_not_enabled": 404,
    "oauth_token_retrieval_error": 400,
    "oauth_unsupported_provider": 400,
    "operation_not_allowed_on_primary_domain": 403,
    "organization_creator_not_found": 400,
    "organization_domain_already_exists": 422,
    "organization_domain_already_exists_same_organization": 422,
    "organization_domain_common": 422,
    "organization_domain_enrollment_mode_not_enabled": 403,
    "organization_domain_exists_for_enrollment": 422,
    "organization_domain_exists_for_enterprise_connection": 422,
    "organization_domain_quota_exceeded": 403,
    "organization_domains_not_enabled": 403,
    "organization_instance_role_sets_quota_exceeded": 403,
    "organization_instance_roles_quota_exceeded": 403,
    "organization_invitation_not_pending": 404,
    "organization_invitation_not_unique": 400,
    "organization_membership_quota_exceeded": 403,
    "organization_minimum_permissions_needed": 400,
    "organization_missing_creator_role_permissions": 422,
    "organization_not_enabled_in_instance": 403,
    "organization_role_assigned_members": 422,
    "organization_role_default_creator_role": 422,
    "organization_role_domain_default_role": 422,
    "organization_role_exists_in_invitations": 422,
    "organization_role_permission_association_exists": 409,
    "organization_role_permission_association_not_found": 404,
    "organization_role_set_reassignment_mappings_invalid": 422,
    "organization_role_set_reassignment_mappings_missing": 422,
    "organization_slugs_disabled": 403,
    "organization_system_permission_not_modifiable": 403,
    "organization_not_found_or_unauthorized": 404,
    "plan_amount_exceeds_upper_limit": 422,
    "plan_amount_invalid": 422,
    "plan_not_found": 404,
    "quota_exceeded": 403,
    "refresh_request_origin_azp_mismatch": 401,
    "refresh_sid_mismatch": 401,
    "refresh_token_not_found": 401,
    "request_body_invalid": 400,
    "request_body_too_large": 413,
    "request_invalid_for_environment": 400,
    "required_variable_missing": 422,
    "resource_not_found": 404,
    "scim_directory_enterprise_connection_already_used": 422,
    "scim_directory_organization_already_used": 400,
    "scim_directory_pull_mode_not_configured": 400,
    "saml_connection_cant_be_activated": 422,
    "saml_failed_to_parse_idp_metadata": 422,
    "saml_metadata_missing_fields": 422,
    "session_refresh_inactive_session": 401,
    "session_refresh_session_not_found": 401,
    "sign_in_token_cannot_be_revoked_code": 400,
    "sign_up_cannot_be_updated": 403,
    "subscription_item_not_found": 404,
    "subscription_item_not_in_free_trial": 403,
    "supported_billing_period_mismatch": 422,
    "template_body_modification_restricted": 400,
    "template_revert_error": 400,
    "template_type_unsupported": 400,
    "too_many_requests": 429,
    "totp_disabled": 400,
    "totp_incorrect_code": 422,
    "totp_invalid_length": 422,
    "unsupported_content_type": 415,
    "user_banned": 403,
    "user_quota_exceeded": 403,
    "verification_already_verified": 400,
    "waitlist_entry_already_completed": 409,
    "waitlist_entry_already_invited": 409,
    "waitlist_entry_already_rejected": 409,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: Clerk's code, a short and a long sentence, the parameter if there is one."""

    code: str
    message: str
    long_message: str = ""
    param: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The problem as Clerk writes it."""
        meta = {"param_name": self.param} if self.param else {}
        return {
            "message": self.message,
            "long_message": self.long_message or self.message,
            "code": self.code,
            "meta": meta,
        }


class Refusal(Exception):
    """A request that the sandbox does not carry out, with one problem or several of the same status."""

    def __init__(self, *problems: Problem, status: int | None = None) -> None:
        super().__init__("; ".join(f"{item.code}: {item.long_message or item.message}" for item in problems))
        self.problems = problems
        self.status = status or STATUS[problems[0].code]


def envelope(
    status: int, problems: tuple[Problem, ...], trace: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Clerk's error answer."""
    body: dict[str, Any] = {"errors": [item.as_dict() for item in problems], "clerk_trace_id": trace}
    return JSONResponse(body, status, headers)


def refusal(code: str, message: str, long_message: str = "", *, param: str | None = None) -> Refusal:
    """A refusal with a code of STATUS; without a long sentence the short one is used."""
    return Refusal(Problem(code, message, long_message, param))


def not_found(what: str, key: str) -> Refusal:
    """404: this instance has no such thing."""
    return refusal("resource_not_found", "not found", f"No {what} with the id {key} exists in this instance.")


def invalid(param: str, long_message: str) -> Refusal:
    """422: the value is of the right type, and cannot be accepted."""
    return refusal("form_param_value_invalid", "is invalid", long_message, param=param)


def ill_formed(param: str, long_message: str) -> Refusal:
    """422: the text does not have the form that it must have."""
    return refusal("form_param_format_invalid", "is invalid", long_message, param=param)


def missing(*params: str) -> Refusal:
    """422: parameters that must be given are not."""
    return Refusal(
        *(Problem("form_param_missing", "is missing", f"{name} must be included.", name) for name in params)
    )


def taken(param: str) -> Refusal:
    """422: an identifier belongs to someone or something else."""
    return refusal(
        "form_identifier_exists", "is taken", f"This {param} is in use. Please choose another.", param=param
    )


def require(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse unless all `names` are given; for what a route needs beyond its action's declaration."""
    absent = [name for name in names if given.get(name) is None]
    if absent:
        raise missing(*absent)
