"""A stand-in for Windows: deskclerk's own branches run, and what they ask of the system is answered here.

Access rules are kept by inode, as a file keeps them when it is renamed. What a folder hands down is worked
out when somebody looks, as Windows does when a file is made. Nothing here proves how Windows itself answers.
"""

import builtins
import contextlib
import ctypes
import fcntl
import os
import re
import subprocess
import sys
import types
from types import SimpleNamespace

USER = "S-1-5-21-1004336348-1177238915-682003330-1001"
USERS = "S-1-5-32-545"
TRUSTED = {USER, "S-1-5-18", "S-1-5-32-544"}
POSIX_ONLY = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop"})
_PROTECTED = 0x1000


class Refused(Exception):
    """`pywintypes.error`."""

    def __init__(self, winerror, funcname, strerror):
        super().__init__(winerror, funcname, strerror)
        self.winerror, self.funcname, self.strerror = winerror, funcname, strerror


class Rules:
    """An access-control list, and the security descriptor around it."""

    def __init__(self, entries, *, protected):
        self.entries, self.protected = entries, protected

    def GetSecurityDescriptorDacl(self):  # noqa: N802 - Windows' name
        return self if self.entries is not None else None

    def GetSecurityDescriptorControl(self):  # noqa: N802
        return (_PROTECTED if self.protected else 0, 1)

    def GetAceCount(self):  # noqa: N802
        return len(self.entries)

    def GetAce(self, number):  # noqa: N802
        flags, who = self.entries[number]
        return ((0, flags), 0x1F01FF, who)


class Windows:
    """The system: `consoles` are descriptors of a console, `attached` whether the process has one at all.

    `keeps_rules` is whether the file system has access rules; FAT has none.
    """

    def __init__(self):
        self.rules = {}
        self.consoles = set()
        self.attached = True
        self.keeps_rules = True
        self.created = []

    def rules_of(self, path):
        """Who is let in to a path."""
        try:
            found = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            raise Refused(2, "GetNamedSecurityInfo", "The system cannot find the file specified.") from None
        key = (found.st_dev, found.st_ino)
        if not self.keeps_rules:
            return Rules(None, protected=False)
        if key in self.rules:
            return self.rules[key]
        above = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
        if above == str(path):
            return Rules([("OICI", USERS), ("OICI", USER)], protected=False)
        return Rules([item for item in self.rules_of(above).entries if item[0]], protected=False)

    def lets_others_in(self, path):
        """Whether somebody beyond the user and the system's own can open a path."""
        entries = self.rules_of(path).entries
        return entries is None or not {who for _, who in entries} <= TRUSTED

    def create_file(self, path, access, share, attributes, how, *_):
        """`CreateFile`."""
        assert attributes.bInheritHandle is False
        there = os.path.exists(path)  # noqa: PTH110
        if how == "CREATE_NEW" and there:
            raise Refused(80, "CreateFile", "The file exists.")
        if how == "OPEN_EXISTING" and not there:
            raise Refused(2, "CreateFile", "The system cannot find the file specified.")
        if not os.path.isdir(os.path.dirname(path)):  # noqa: PTH112, PTH120
            raise Refused(3, "CreateFile", "The system cannot find the path specified.")
        appends = access & 4 and not access & 2
        mode = os.O_RDWR if access & 1 and access & 4 else os.O_WRONLY if access & 4 else os.O_RDONLY
        descriptor = self.open(path, mode | os.O_CREAT | (os.O_APPEND if appends else 0), 0o644)
        if not there:
            found = os.fstat(descriptor)
            self.rules[found.st_dev, found.st_ino] = attributes.SECURITY_DESCRIPTOR
        self.created.append((path, share))
        return SimpleNamespace(Detach=lambda: descriptor)

    def set_rules(self, path, _kind, which, _owner, _group, rules, _audit):
        """`SetNamedSecurityInfo`."""
        found = os.stat(path)  # noqa: PTH116
        self.rules[found.st_dev, found.st_ino] = Rules(rules.entries, protected=bool(which & 0x80000000))

    def modules(self):
        """The modules that only Windows has."""
        security = types.ModuleType("win32security")
        security.__dict__.update(
            SE_FILE_OBJECT=1,
            DACL_SECURITY_INFORMATION=4,
            PROTECTED_DACL_SECURITY_INFORMATION=0x80000000,
            SE_DACL_PROTECTED=_PROTECTED,
            ACCESS_DENIED_ACE_TYPE=1,
            SDDL_REVISION_1=1,
            TOKEN_QUERY=8,
            TokenUser=1,
            SECURITY_ATTRIBUTES=lambda: SimpleNamespace(bInheritHandle=True),
            ConvertStringSecurityDescriptorToSecurityDescriptor=_parsed,
            ConvertSidToStringSid=lambda who: who,
            OpenProcessToken=lambda process, access: (process, access),
            GetTokenInformation=lambda token, what: (USER, 0),
            GetNamedSecurityInfo=lambda path, kind, which: self.rules_of(path),
            SetNamedSecurityInfo=self.set_rules,
        )
        constants = types.ModuleType("win32con")
        constants.__dict__.update(
            {name: name for name in ("CREATE_NEW", "OPEN_ALWAYS", "OPEN_EXISTING", "FILE_ATTRIBUTE_NORMAL")},
            FILE_SHARE_READ=1,
            FILE_SHARE_WRITE=2,
            FILE_SHARE_DELETE=4,
        )
        others = {
            "pywintypes": {"error": Refused},
            "win32api": {"GetCurrentProcess": lambda: -1},
            "win32file": {"CreateFile": self.create_file},
            "ntsecuritycon": {"FILE_GENERIC_READ": 1, "FILE_GENERIC_WRITE": 6, "FILE_WRITE_DATA": 2},
            "msvcrt": {
                "LK_NBLCK": 2,
                "get_osfhandle": lambda descriptor: descriptor,
                "open_osfhandle": lambda handle, flags: handle,
                "locking": lambda descriptor, mode, size: fcntl.flock(
                    descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB
                ),
            },
        }
        found = {"win32security": security, "win32con": constants}
        for name, values in others.items():
            found[name] = types.ModuleType(name)
            found[name].__dict__.update(values)
        return found

    def console_mode(self, handle, _mode):
        """`GetConsoleMode`: 0 for what is no console."""
        return int((handle.value or 0) in self.consoles)

    def open(self, path, flags, mode=0o777, **more):
        """`os.open`, with the console's two names."""
        if path in ("CONIN$", "CONOUT$"):
            if not self.attached:
                raise FileNotFoundError(2, "The system cannot find the file specified.", path)
            path = os.devnull
        return self._open(path, flags, mode, **more)

    def begin(self, monkeypatch):
        """Be Windows from here on, for deskclerk."""
        self._open = os.open
        real = builtins.__import__

        def imported(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
            importer = str((globals or {}).get("__name__", ""))
            if importer.startswith("deskclerk") and name.partition(".")[0] in POSIX_ONLY:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return real(name, globals, locals, fromlist, level)

        for name, module in self.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(builtins, "__import__", imported)
        monkeypatch.setattr(os, "open", self.open)
        library = SimpleNamespace(GetConsoleMode=self.console_mode)
        monkeypatch.setattr(ctypes, "WinDLL", lambda name: library, raising=False)
        monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
        monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
        monkeypatch.setattr(sys, "platform", "win32")
        forget_user()


def forget_user():
    """The user's id is asked for once in a process."""
    from deskclerk.system import windows_access  # noqa: PLC0415

    windows_access._user.cache_clear()


@contextlib.contextmanager
def as_windows(monkeypatch):
    """A block that runs as on Windows."""
    system = Windows()
    # By the test's own patches, and not by a context's: what the test patches over them would come back last.
    system.begin(monkeypatch)
    yield system
    forget_user()


def _parsed(text, _revision):
    entries = re.findall(r"\(A;(\w*);FA;;;([^)]+)\)", text)
    assert text == "D:P" + "".join(f"(A;{flags};FA;;;{who})" for flags, who in entries)
    return Rules(entries, protected=True)
