"""Keys on disk.

- load_or_create: first time makes one, then the same one
- address: read without the passphrase
- load: wrong passphrase, damaged file, no file
- the file: encrypted, for its owner alone, durable before anybody uses the key
"""

import os
from pathlib import Path

import pytest

from backend.keys import SCRYPT_N_DEVELOPMENT, KeyStore, KeyUnreadable


def store(folder: Path, passphrase: str = "correct horse") -> KeyStore:
    return KeyStore(folder, passphrase, SCRYPT_N_DEVELOPMENT)


def test_load_or_create__repeated__changes_nothing(tmp_path: Path) -> None:
    first = store(tmp_path).load_or_create("submitter")

    again = store(tmp_path).load_or_create("submitter")

    assert again.address == first.address
    assert store(tmp_path).names() == ["submitter"]


def test_address__wrong_passphrase__succeeds(tmp_path: Path) -> None:
    made = store(tmp_path).load_or_create("submitter")

    assert store(tmp_path, "battery staple").address("submitter") == made.address


def test_address__damaged_file__rejects(tmp_path: Path) -> None:
    (tmp_path / "submitter.json").write_text("{}")

    with pytest.raises(KeyUnreadable):
        store(tmp_path).address("submitter")


def test_load__wrong_passphrase__rejects(tmp_path: Path) -> None:
    store(tmp_path).load_or_create("submitter")

    with pytest.raises(KeyUnreadable, match="CAUSEWAY_KEYS_PASSPHRASE"):
        store(tmp_path, "battery staple").load("submitter")


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"version": 2}', '{"version": 3}'])
def test_load__damaged_file__rejects(tmp_path: Path, text: str) -> None:
    (tmp_path / "submitter.json").write_text(text)

    with pytest.raises(KeyUnreadable):
        store(tmp_path).load("submitter")


def test_load__no_file__rejects(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store(tmp_path).load("submitter")


def test_load_or_create__new_key__is_for_its_owner_alone_holds(tmp_path: Path) -> None:
    store(tmp_path / "keys").load_or_create("submitter")

    path = tmp_path / "keys" / "submitter.json"
    assert path.stat().st_mode & 0o077 == 0
    assert "ciphertext" in path.read_text()


def test_load_or_create__new_key__file_and_folder_are_durable_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file)), fsync(file)))

    store(tmp_path).load_or_create("validator-0")

    files = (tmp_path / "validator-0.json", tmp_path)
    assert [stat.st_ino for stat in synced] == [path.stat().st_ino for path in files]
