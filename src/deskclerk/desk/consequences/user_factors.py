"""What it means to take a way of signing in from a user: what is left, and whether it lets anybody in."""

from collections.abc import Mapping, Sequence
from typing import Any

from deskclerk.catalogue import (
    Action,
    DeleteUserBackupCodes,
    DeleteUserExternalAccount,
    DeleteUserPasskey,
    DeleteUserTotp,
    DeleteUserWeb3Wallet,
    DisableUserMfa,
    RemoveUserPassword,
    RevokeTrustedDevice,
    SetUserPasswordCompromised,
    UnsetUserPasswordCompromised,
    VerifyUserTotp,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, FindReach, Removal, Values, says
from deskclerk.desk.consequences.targets import named
from deskclerk.desk.consequences.users import sessions_end, sessions_stay
from deskclerk.desk.view.cleaning import line_of


def ways_in(user: Values, *, without: Sequence[str] = ()) -> list[str]:
    """The ways by which a user can begin to sign in, as far as Clerk tells them.

    `without` are ids of addresses, accounts, passkeys or wallets that are to go, or `password`.
    """

    def left(key: str) -> list[Mapping[str, Any]]:
        return [item for item in user.get(key) or () if item.get("id") not in without]

    verified = [item for item in left("email_addresses") if _is_verified(item)]
    phones = [item for item in left("phone_numbers") if _is_verified(item)]
    accounts = [str(item.get("provider")) for item in left("external_accounts")]
    return [
        *(["password"] if user.get("password_enabled") and "password" not in without else []),
        *(f"e-mail to {line_of(item.get('email_address'))}" for item in verified),
        *(f"text to {line_of(item.get('phone_number'))}" for item in phones),
        *(line_of(provider.removeprefix("oauth_")) for provider in accounts),
        *(["passkey"] if left("passkeys") else []),
        *(["web3 wallet"] if left("web3_wallets") else []),
    ]


def ways_left(user: Values, *, without: Sequence[str]) -> str:
    """How the user can still sign in when these are gone, for whoever signs."""
    left = ways_in(user, without=without)
    if not left:
        return "no way to sign in is left that Clerk tells of: the user may be locked out"
    return f"can still sign in with {', '.join(left)} (as far as the instance's settings allow each)"


def second_factors(user: Values) -> list[str]:
    """What a user is asked for beside the first way in."""
    kept = [item for item in user.get("phone_numbers") or () if item.get("reserved_for_second_factor")]
    return [
        *(["authenticator app"] if user.get("totp_enabled") else []),
        *(["backup codes"] if user.get("backup_code_enabled") else []),
        *(f"text to {line_of(item.get('phone_number'))}" for item in kept),
    ]


def who_can_still_sign_in(*, gone: str = "", named_by: str = "") -> FindReach:
    """A reach that says how the user can sign in afterwards.

    What goes is `gone`, or what has the id in the argument `named_by`.
    """

    async def find(action: Action, target: Values, clerk: Clerk) -> list[str]:
        del clerk
        if not target:
            return []
        removed = gone or str(getattr(action, named_by, ""))
        return [*_what_goes(target, removed), ways_left(target, without=[removed])]

    return find


def _what_goes(user: Values, one: str) -> list[str]:
    """What has this id, for whoever signs: an id tells nobody which account or wallet it is."""
    for key, what in (("external_accounts", "account"), ("web3_wallets", "wallet"), ("passkeys", "passkey")):
        for item in user.get(key) or ():
            if item.get("id") == one:
                known = (
                    item.get("provider"),
                    item.get("email_address"),
                    item.get("web3_wallet"),
                    item.get("name"),
                )
                return [line_of(" ".join([f"removes the {what}", *(str(part) for part in known if part)]))]
    return []


async def _factors_that_go(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action, clerk
    now = second_factors(target)
    if not now:
        return ["has no second factor: this changes nothing"]
    return [f"removes {', '.join(now)}", "then one way in is enough: nothing is asked for beside it"]


def _factor_that_goes(factor: str) -> FindReach:
    async def find(action: Action, target: Values, clerk: Clerk) -> list[str]:
        del action, clerk
        now = second_factors(target)
        if factor not in now:
            return [f"has no {factor}: this changes nothing"]
        left = [item for item in now if item != factor]
        return [f"second factors left: {', '.join(left) or 'none'}"]

    return find


def _is_verified(item: Mapping[str, Any]) -> bool:
    verification = item.get("verification")
    return isinstance(verification, Mapping) and verification.get("status") == "verified"


class DisableUserMfaConsequences(Consequences, of=DisableUserMfa):
    """Every second factor goes, and only the user can set one up anew."""

    lost = "Only the user can set up a second factor again."
    reach = (("second factors", _factors_that_go), ("sessions", sessions_stay))


class DeleteUserTotpConsequences(Consequences, of=DeleteUserTotp):
    """The authenticator app's secret is gone for good."""

    lost = "Only the user can set up an authenticator app again."
    reach = (("second factors", _factor_that_goes("authenticator app")),)


class DeleteUserBackupCodesConsequences(Consequences, of=DeleteUserBackupCodes):
    """The codes that a user may have printed are worthless."""

    lost = "The old codes never work again."
    reach = (("second factors", _factor_that_goes("backup codes")),)


class RemoveUserPasswordConsequences(Consequences, of=RemoveUserPassword):
    """Nobody knows the old password but its user."""

    lost = "Clerk tells nobody the old password."
    reach = (("ways in", who_can_still_sign_in(gone="password")),)


class DeleteUserPasskeyConsequences(Consequences, of=DeleteUserPasskey):
    """A passkey is made on the user's own device."""

    lost = "Only the user can add a passkey again."
    reach = (("ways in", who_can_still_sign_in(named_by="passkey_identification_id")),)


class DeleteUserWeb3WalletConsequences(Consequences, of=DeleteUserWeb3Wallet):
    """A wallet is proved by its owner."""

    lost = "Only the user can connect a wallet again."
    reach = (("ways in", who_can_still_sign_in(named_by="web3_wallet_identification_id")),)


class DeleteUserExternalAccountConsequences(Consequences, of=DeleteUserExternalAccount):
    """An account is connected by signing in there."""

    lost = "Only the user can connect the account again."
    reach = (("ways in", who_can_still_sign_in(named_by="external_account_id")),)


class VerifyUserTotpConsequences(Consequences, of=VerifyUserTotp):
    """A backup code works once."""

    lost = "A backup code that is checked is used up."


async def _whose_device(action: Action, target: Values, clerk: Clerk) -> list[str]:
    known = (target.get("platform"), target.get("app_identifier"))
    device = " ".join(line_of(part) for part in known if part)
    return [f"a device of {await named(getattr(action, 'user_id', ''), clerk)}: {device}"]


class RevokeTrustedDeviceConsequences(Removal, of=RevokeTrustedDevice):
    """Trust is given by the user, on the device."""

    lost = "Only the user can trust the device again."
    reach = (
        ("device", _whose_device),
        ("second factor", says("the next sign-in there asks for the second factor")),
    )


class SetUserPasswordCompromisedConsequences(Consequences, of=SetUserPasswordCompromised):
    """The user has to choose another password."""

    undone_by = UnsetUserPasswordCompromised
    keeps = "sessions that it ended stay ended"

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """Sessions end where it is asked for."""
        ends = bool(getattr(action, "revoke_all_sessions", None))
        find = sessions_end if ends else sessions_stay
        rest = await super().reaches(action, seen, clerk)
        lines = await find(action, seen[0] if seen else {}, clerk)
        return ("the next sign-in with it asks for a new password", *lines, *rest)


class UnsetUserPasswordCompromisedConsequences(Consequences, of=UnsetUserPasswordCompromised):
    """The password counts again as good."""

    undone_by = SetUserPasswordCompromised
