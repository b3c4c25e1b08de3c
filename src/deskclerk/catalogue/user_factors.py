"""How users prove who they are: passwords, second factors, passkeys, wallets, connected accounts, devices."""

from typing import Annotated

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset, Secret
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, POST, READ, WRITE, Answers
from deskclerk.catalogue.users import USERS

TOOLSET = "users-plus"

OAUTH_ACCESS_TOKENS = Resource(
    "user-oauth-tokens",
    "provider's access token",
    (
        "external_account_id",
        "provider_user_id",
        "token",
        "expires_at",
        "provider",
        "public_metadata",
        "label",
        "scopes",
        "id_token",
        "token_secret",
    ),
    object="oauth_access_token",
)


class DisableUserMfa(
    Action,
    name="clerk_user_mfa_disable",
    titled="Remove second factors of user",
    resource=USERS,
    route=DELETE("/users/{user_id}/mfa"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("user_id",)),
    toolset=TOOLSET,
):
    """Remove every second factor of a user: authenticator app, backup codes, phones kept for it."""

    user_id: Id


class DeleteUserTotp(
    Action,
    name="clerk_user_totp_delete",
    titled="Remove authenticator app of user",
    resource=USERS,
    route=DELETE("/users/{user_id}/totp"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("user_id",)),
    toolset=TOOLSET,
):
    """Remove a user's authenticator app; backup codes and phones stay."""

    user_id: Id


class DeleteUserBackupCodes(
    Action,
    name="clerk_user_backup_codes_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}/backup_code"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("user_id",)),
    toolset=TOOLSET,
):
    """Make all backup codes of a user worthless."""

    user_id: Id


class VerifyUserPassword(
    ReadAction,
    name="clerk_user_password_verify",
    resource=USERS,
    route=POST("/users/{user_id}/verify_password"),
    effect=READ,
    answers=Answers(keys=("verified",)),
    toolset=TOOLSET,
):
    """Check whether a password is the user's."""

    user_id: Id
    password: Annotated[str, Secret()]


class VerifyUserTotp(
    Action,
    name="clerk_user_totp_verify",
    titled="Verify second factor of user",
    resource=USERS,
    route=POST("/users/{user_id}/verify_totp"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("verified",)),
    toolset=TOOLSET,
):
    """Check a code of a user's authenticator app, or a backup code, which is used up by it."""

    user_id: Id
    code: Annotated[str, Secret()]


class RemoveUserPassword(
    Action,
    name="clerk_user_password_remove",
    resource=USERS,
    route=POST("/users/{user_id}/remove_password"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Remove a user's password; other ways to sign in stay."""

    user_id: Id
    sign_out_of_other_sessions: bool | None = None


class SetUserPasswordCompromised(
    Action,
    name="clerk_user_password_set_compromised",
    titled="Mark password of user as compromised",
    resource=USERS,
    route=POST("/users/{user_id}/password/set_compromised"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Mark a user's password as compromised: it has to be changed at the next sign-in."""

    user_id: Id
    revoke_all_sessions: Nullable[bool] = None


class UnsetUserPasswordCompromised(
    Action,
    name="clerk_user_password_unset_compromised",
    titled="Take back that password of user is compromised",
    resource=USERS,
    route=POST("/users/{user_id}/password/unset_compromised"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Take back that a user's password is compromised."""

    user_id: Id


class DeleteUserPasskey(
    Action,
    name="clerk_user_passkey_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}/passkeys/{passkey_identification_id}"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("deleted",)),
    toolset=TOOLSET,
):
    """Remove a passkey of a user."""

    user_id: Id
    passkey_identification_id: Id


class DeleteUserWeb3Wallet(
    Action,
    name="clerk_user_web3_wallet_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}/web3_wallets/{web3_wallet_identification_id}"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("deleted",)),
    toolset=TOOLSET,
):
    """Remove a web3 wallet of a user."""

    user_id: Id
    web3_wallet_identification_id: Id


class DeleteUserExternalAccount(
    Action,
    name="clerk_user_external_account_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}/external_accounts/{external_account_id}"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("deleted",)),
    toolset=TOOLSET,
):
    """Disconnect an account such as Google or GitHub from a user."""

    user_id: Id
    external_account_id: Id


class ListUserOauthAccessTokens(
    ReadAction,
    name="clerk_user_oauth_access_tokens_list",
    resource=OAUTH_ACCESS_TOKENS,
    route=GET("/users/{user_id}/oauth_access_tokens/{provider}"),
    effect=READ,
    hands_over=("token", "token_secret", "id_token"),
    toolset=TOOLSET,
):
    """Get the tokens with which a provider such as oauth_google can be asked for a user."""

    user_id: Id
    provider: Id
    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


TRUSTED_DEVICES = Resource(
    "trusted-devices",
    "trusted device",
    (
        "id",
        "platform",
        "app_identifier",
        "name",
        "algorithm",
        "status",
        "created_at",
        "last_used_at",
        "revoked_at",
    ),
)


class ListTrustedDevices(
    ReadAction,
    name="clerk_trusted_devices_list",
    resource=TRUSTED_DEVICES,
    route=GET("/users/{user_id}/trusted_devices"),
    effect=READ,
    wrapped=True,
    paged=False,
    toolset=TOOLSET,
):
    """List the devices on which a user is not asked for the second factor."""

    user_id: Id


class RevokeTrustedDevice(
    Action,
    name="clerk_trusted_device_revoke",
    resource=TRUSTED_DEVICES,
    route=DELETE("/users/{user_id}/trusted_devices/{trusted_device_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Trust a user's device no longer: the second factor is asked for there again."""

    user_id: Id
    trusted_device_id: Id
