"""Where the command line keeps its own API key."""

from pathlib import Path

from backend.config import Settings


def key_file(settings: Settings) -> Path:
    """Return where the command line keeps its own API key, for this user alone."""
    return settings.data_dir / "api-key"


def read_api_key(settings: Settings) -> str:
    """Return the API key to use: the one of the settings, else the command line's own."""
    given = settings.api_key.get_secret_value()
    path = key_file(settings)
    return given or (path.read_text().strip() if path.exists() else "")
