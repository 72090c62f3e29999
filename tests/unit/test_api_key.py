"""Where the command line finds its API key: the settings first, then its own file, then none."""

import pytest

from backend.api_key import key_file, read_api_key
from backend.config import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path)


def test_read_api_key__own_file__succeeds(settings):
    key_file(settings).write_text("cwk_file\n")

    assert read_api_key(settings) == "cwk_file"


def test_read_api_key__settings_name_one__succeeds(settings):
    key_file(settings).write_text("cwk_file\n")
    named = settings.model_copy(update={"api_key": type(settings.api_key)("cwk_named")})

    assert read_api_key(named) == "cwk_named"


def test_read_api_key__none__is_empty_holds(settings):
    assert read_api_key(settings) == ""
