"""Private files: modes on POSIX, access rules on Windows, an error where there is neither."""

import asyncio
import os
import sys
import threading

import pytest

from deskclerk.desk.journal.process_locks import claim, take_lock
from deskclerk.desk.secrets.handovers import hand_over
from deskclerk.desk.secrets.private_files import write_new, write_over
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.secrets.store import SecretFiles
from deskclerk.errors import InvalidRequest
from deskclerk.system import private_files
from deskclerk.system.private_files import (
    make_database_folder,
    make_new_folder_private,
    make_private_folder,
    open_private,
    replace,
    sync,
)
from tests.system.windows import USERS, Rules

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def test_a_file_and_a_folder_are_their_owners_alone_on_posix(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    make_private_folder(folder)
    os.close(open_private(folder / "file", NEW))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "file").stat().st_mode & 0o777 == 0o600


def test_on_windows_a_file_is_private_from_its_first_moment(windows, tmp_path):
    file = tmp_path / "secret"
    assert windows.lets_others_in(tmp_path)
    descriptor = open_private(file, NEW)
    os.write(descriptor, b"x")
    os.close(descriptor)
    # Made with the rules, not given them afterwards: in between somebody could have opened it.
    assert windows.created == [(str(file), 7)]
    assert not windows.lets_others_in(file)
    assert windows.rules_of(file).protected
    assert file.read_bytes() == b"x"


def test_on_windows_a_file_that_others_could_read_is_closed_to_them_when_it_is_opened(windows, tmp_path):
    file = tmp_path / "old"
    file.touch()
    assert windows.lets_others_in(file)
    os.close(open_private(file, os.O_RDWR | os.O_CREAT))
    assert not windows.lets_others_in(file)


def test_on_windows_what_comes_into_a_private_folder_is_private_too(windows, tmp_path):
    make_private_folder(tmp_path / "home" / "secrets")
    (tmp_path / "home" / "secrets" / "runs.db-wal").touch()
    assert not windows.lets_others_in(tmp_path / "home" / "secrets" / "runs.db-wal")


def test_on_windows_a_folder_is_closed_again_whatever_was_allowed_before(windows, tmp_path):
    windows.rules[tmp_path.stat().st_dev, tmp_path.stat().st_ino] = Rules([("OICI", USERS)], protected=True)
    make_private_folder(tmp_path)
    assert not windows.lets_others_in(tmp_path)


def test_a_folder_of_somebody_elses_keeps_who_may_read_it(windows, tmp_path):
    make_new_folder_private(tmp_path)
    assert windows.lets_others_in(tmp_path)
    make_database_folder(tmp_path)
    assert not windows.lets_others_in(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_a_folder_that_is_there_is_not_closed_to_others_by_a_path_through_a_new_one(tmp_path):
    tmp_path.chmod(0o755)
    make_new_folder_private(tmp_path / "new" / "..")
    assert (tmp_path.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o755, [])
    make_new_folder_private(tmp_path / "new" / ".." / "own")
    assert (tmp_path.stat().st_mode & 0o777, (tmp_path / "own").stat().st_mode & 0o777) == (0o755, 0o700)


def test_on_a_file_system_without_rules_nothing_is_left_readable_and_the_error_says_why(windows, tmp_path):
    windows.keeps_rules = False
    with pytest.raises(PermissionError, match="no access rules"):
        open_private(tmp_path / "secret", NEW)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PermissionError, match="no access rules"):
        make_private_folder(tmp_path)


def test_without_pywin32_the_error_names_it(windows, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pywintypes", None)
    with pytest.raises(PermissionError, match="pip install pywin32"):
        open_private(tmp_path / "secret", NEW)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_cannot_be_kept_from_others_is_told_as_lost_and_the_write_as_done(windows, tmp_path):
    windows.keeps_rules = False
    answer, notes = hand_over({"object": "app", "id": "1", "client_secret": "s3"}, tmp_path / "handover")
    assert answer == {"object": "app", "id": "1"}
    assert "is lost" in notes[0]
    assert not list((tmp_path / "handover").glob("*"))


def test_what_windows_refuses_comes_as_pythons_own_errors(windows, tmp_path):
    write_new(tmp_path / "a" / "taken", "one")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a" / "taken", "two")
    with pytest.raises(FileExistsError):
        open_private(tmp_path / "a" / "taken", NEW)
    with pytest.raises(FileNotFoundError):
        open_private(tmp_path / "none" / "file", NEW)
    assert (tmp_path / "a" / "taken").read_text() == "one"


def test_on_windows_a_log_is_appended_to_by_every_process_that_inherits_it(windows, tmp_path):
    for part in (b"one\n", b"two\n"):
        descriptor = open_private(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, part)
        os.close(descriptor)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_on_windows_a_file_that_somebody_has_open_is_replaced_when_they_close_it(
    windows, tmp_path, monkeypatch
):
    refused, real = [], os.replace

    def held(source, target, **more):
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "being used by another process", str(target))
        real(source, target, **more)

    monkeypatch.setattr(os, "replace", held)
    write_over(tmp_path / "a" / "settings.toml", "new")
    assert len(refused) == 3
    assert (tmp_path / "a" / "settings.toml").read_text() == "new"
    assert not windows.lets_others_in(tmp_path / "a" / "settings.toml")


def test_one_that_stays_open_is_an_error_and_leaves_the_old_file_and_no_draft(windows, tmp_path, monkeypatch):
    write_over(tmp_path / "a" / "settings.toml", "old")

    def held(*_, **__):
        raise PermissionError(13, "being used by another process")

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(private_files, "_HELD_SECONDS", 0)
    with pytest.raises(PermissionError):
        write_over(tmp_path / "a" / "settings.toml", "new")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["settings.toml"]
    assert (tmp_path / "a" / "settings.toml").read_text() == "old"


def test_elsewhere_a_refusal_is_told_at_once(tmp_path, monkeypatch):
    asked = []

    def refused(*_, **__):
        asked.append(1)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(PermissionError):
        replace(tmp_path / "draft", tmp_path / "file")
    assert len(asked) == 1


def test_on_macos_what_is_written_leaves_the_drives_own_memory(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    asked = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, what: asked.append(what))
    monkeypatch.setattr(os, "fsync", lambda descriptor: asked.append("fsync"))
    sync(0)
    assert asked == [51]


def test_on_macos_a_file_system_without_that_call_is_synced_as_elsewhere(monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def unknown(*_):
        raise OSError(45, "Operation not supported")

    asked = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", unknown)
    monkeypatch.setattr(os, "fsync", asked.append)
    sync(7)
    assert asked == [7]


def test_on_windows_a_lock_is_one_processs_and_goes_with_its_file(windows, tmp_path):
    lock = take_lock(tmp_path / "locks", "own_1")
    with claim(tmp_path / "locks", "own_1") as gone:
        assert not gone
    lock.end()
    assert list((tmp_path / "locks").iterdir()) == []
    with claim(tmp_path / "locks", "own_1") as gone:
        assert gone


def test_on_windows_a_lock_whose_file_somebody_looks_at_is_given_back_all_the_same(
    windows, tmp_path, monkeypatch
):
    lock = take_lock(tmp_path / "locks", "own_1")

    def held(*_, **__):
        raise PermissionError(13, "being used by another process")

    with monkeypatch.context() as looking:
        looking.setattr(os, "unlink", held)
        lock.end()
    with claim(tmp_path / "locks", "own_1") as gone:
        assert gone


@pytest.mark.parametrize("name", ["con", "NUL", "aux.txt", "com1", "Lpt9.key", "ends."])
def test_on_windows_a_secret_is_not_named_as_a_device_is(windows, tmp_path, name):
    with pytest.raises(InvalidRequest, match="no name for a file on Windows"):
        asyncio.run(Secrets(SecretFiles(tmp_path)).store(name, "value"))
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_such_a_name_is_as_good_as_any(tmp_path):
    secrets = Secrets(SecretFiles(tmp_path))
    asyncio.run(secrets.store("con", "value"))
    assert [item.name for item in asyncio.run(secrets.listed())] == ["con"]


def test_where_case_does_not_count_no_secret_replaces_another(tmp_path, monkeypatch):
    files = SecretFiles(tmp_path)
    secrets = Secrets(files)
    asyncio.run(secrets.store("key", "first"))
    # A file system that takes both names for one file, as macOS and Windows have.
    (tmp_path / "secrets" / "Key").symlink_to(tmp_path / "secrets" / "key")
    listed = [item for item in asyncio.run(secrets.listed()) if item.name == "key"]

    async def one_of_them():
        return listed

    monkeypatch.setattr(files, "listed", one_of_them)
    with pytest.raises(InvalidRequest, match="another secret's name: key"):
        asyncio.run(secrets.store("Key", "second"))
    assert (tmp_path / "secrets" / "key").read_text() == "first"
    asyncio.run(secrets.store("key", "third"))
    assert (tmp_path / "secrets" / "key").read_text() == "third"


def test_several_threads_make_one_private_folder(windows, tmp_path):
    made = [threading.Thread(target=make_private_folder, args=(tmp_path / "a" / "b",)) for _ in range(8)]
    for thread in made:
        thread.start()
    for thread in made:
        thread.join()
    assert not windows.lets_others_in(tmp_path / "a" / "b")
