"""Access rules of Windows that leave a file to its owner, by pywin32: imported on Windows alone.

Trusted are the user, SYSTEM and Administrators, as OpenSSH for Windows has it of a private key: the two are
what root is elsewhere (github.com/PowerShell/Win32-OpenSSH/wiki, Security protection of various files).
"""

import contextlib
import errno
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    assert sys.platform == "win32"

_SYSTEM, _ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_ERRNO = {
    2: errno.ENOENT,
    3: errno.ENOENT,
    39: errno.ENOSPC,
    80: errno.EEXIST,
    112: errno.ENOSPC,
    183: errno.EEXIST,
}
"""Windows' numbers of what callers tell apart; the rest is a refusal."""


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a file, as `os.open` gives it; nobody else can read it from its first moment."""
    with _refusals(path):
        descriptor = _create(path, flags)
    try:
        protect(path)
    except OSError:
        os.close(descriptor)
        if flags & os.O_EXCL:
            path.unlink(missing_ok=True)
        raise
    return descriptor


def protect(path: Path) -> None:
    """Leave a file, or a folder and what comes into it, to its owner; PermissionError if that cannot be."""
    with _refusals(path):
        import win32security  # noqa: PLC0415 - loads libraries of Windows

        if _is_private(path):
            return
        # Protected: what the folders above hand down does not count. What is in a folder inherits anew.
        which = win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION
        rules = _owner_only(folder=path.is_dir()).GetSecurityDescriptorDacl()
        win32security.SetNamedSecurityInfo(
            str(path), win32security.SE_FILE_OBJECT, which, None, None, rules, None
        )
        # FAT and some network drives take the call and keep nothing.
        if not _is_private(path):
            raise PermissionError(
                errno.EACCES, "its file system has no access rules, so that others could read it", str(path)
            )


def _create(path: Path, flags: int) -> int:
    import msvcrt  # noqa: PLC0415

    import ntsecuritycon  # noqa: PLC0415
    import win32con  # noqa: PLC0415
    import win32file  # noqa: PLC0415
    import win32security  # noqa: PLC0415

    access = ntsecuritycon.FILE_GENERIC_READ if not flags & os.O_WRONLY else 0
    if flags & (os.O_WRONLY | os.O_RDWR):
        access |= ntsecuritycon.FILE_GENERIC_WRITE
    if flags & os.O_APPEND:
        # Without the right to write elsewhere the system itself appends, for a process that inherits it too.
        access &= ~ntsecuritycon.FILE_WRITE_DATA
    how = win32con.OPEN_EXISTING
    if flags & os.O_CREAT:
        how = win32con.CREATE_NEW if flags & os.O_EXCL else win32con.OPEN_ALWAYS
    attributes = win32security.SECURITY_ATTRIBUTES()
    attributes.SECURITY_DESCRIPTOR = _owner_only(folder=False)
    attributes.bInheritHandle = False
    # As POSIX has it: who has it open keeps nobody from renaming or deleting it.
    share = win32con.FILE_SHARE_READ | win32con.FILE_SHARE_WRITE | win32con.FILE_SHARE_DELETE
    handle = win32file.CreateFile(
        str(path), access, share, attributes, how, win32con.FILE_ATTRIBUTE_NORMAL, None
    )
    opened: Any = msvcrt  # which has no such function elsewhere, where this is type-checked too
    # From here on the descriptor closes it.
    return int(opened.open_osfhandle(handle.Detach(), flags & os.O_APPEND))


def _is_private(path: Path) -> bool:
    """Whether only the trusted are let in, by rules of its own."""
    import win32security  # noqa: PLC0415

    found = win32security.GetNamedSecurityInfo(
        str(path), win32security.SE_FILE_OBJECT, win32security.DACL_SECURITY_INFORMATION
    )
    rules = found.GetSecurityDescriptorDacl()
    # No list at all lets everybody in; an empty one nobody.
    if rules is None or not found.GetSecurityDescriptorControl()[0] & win32security.SE_DACL_PROTECTED:
        return False
    trusted = {_user(), _SYSTEM, _ADMINISTRATORS}
    return all(
        win32security.ConvertSidToStringSid(entry[-1]) in trusted
        for entry in map(rules.GetAce, range(rules.GetAceCount()))
        if entry[0][0] != win32security.ACCESS_DENIED_ACE_TYPE
    )


def _owner_only(*, folder: bool) -> Any:
    """A security descriptor with the rules; what comes into a folder inherits them."""
    import win32security  # noqa: PLC0415

    handed_down = "OICI" if folder else ""
    # By the user's own id and not by "owner": of what an administrator makes the group is the owner, and the
    # same person without those rights could not read it again.
    entries = "".join(f"(A;{handed_down};FA;;;{who})" for who in (_user(), _SYSTEM, _ADMINISTRATORS))
    return win32security.ConvertStringSecurityDescriptorToSecurityDescriptor(
        f"D:P{entries}", win32security.SDDL_REVISION_1
    )


@functools.cache
def _user() -> str:
    """The security id of the user that this process runs as."""
    import win32api  # noqa: PLC0415
    import win32security  # noqa: PLC0415

    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32security.TOKEN_QUERY)
    user, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    return str(win32security.ConvertSidToStringSid(user))


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Has what Windows refuses raised as `os` raises it."""
    try:
        import pywintypes  # noqa: PLC0415
    except ImportError:
        why = "others cannot be kept from it without pywin32 (pip install pywin32)"
        raise PermissionError(errno.EACCES, why, str(path)) from None
    try:
        yield
    except pywintypes.error as error:
        number = _ERRNO.get(error.winerror, errno.EACCES)
        raise OSError(number, error.strerror, str(path)) from None
