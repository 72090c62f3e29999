"""A file is written whole, or stays as it was."""

import pytest

from backend.files import write_atomically


def test_write_atomically__new_and_again__succeeds(tmp_path):
    for parts in ([b"one"], [b"two", b"", b"parts"]):
        write_atomically(tmp_path / "file", parts)

        assert (tmp_path / "file").read_bytes() == b"".join(parts)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_atomically__fails_half_way__changes_nothing(tmp_path):
    def parts():
        yield b"half"
        raise OSError("the disk is gone")

    write_atomically(tmp_path / "file", [b"whole"])

    with pytest.raises(OSError, match="gone"):
        write_atomically(tmp_path / "file", parts())

    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_write_atomically__with_rights__has_no_others_holds(tmp_path, mode):
    write_atomically(tmp_path / "file", [b"secret"], mode=mode)

    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
