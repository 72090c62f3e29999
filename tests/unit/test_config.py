"""Settings.

- defaults work; the chain's URL follows host and port
- production refuses the default secrets, and a KYC provider that checks nobody unless told
- a file with the passphrase: stripped, not handed on; empty, missing, readable by others
- what is handed to a child process is read back the same
- the verifier `simd` for a whole committee is refused
- an unreadable value is refused
"""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from backend.config import Settings


def test_settings__nothing_set__succeeds() -> None:
    settings = Settings(_env_file=None, chain_port=9545)

    assert settings.rpc_url == "http://127.0.0.1:9545"
    assert settings.api_url == "http://127.0.0.1:8000"


def test_settings__default_passphrase_in_production__rejects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")

    with pytest.raises(ValidationError, match="CAUSEWAY_KEYS_PASSPHRASE"):
        Settings(_env_file=None)


def test_settings__own_passphrase_in_production__succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")
    monkeypatch.setenv("CAUSEWAY_KEYS_PASSPHRASE", "battery staple")
    monkeypatch.setenv("CAUSEWAY_KYC_WEBHOOK_SECRET", "battery charger")
    monkeypatch.setenv("CAUSEWAY_ALLOW_SANDBOX_KYC", "true")

    settings = Settings(_env_file=None)

    assert "battery" not in repr(settings)


def test_settings__sandbox_kyc_in_production__rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")
    monkeypatch.setenv("CAUSEWAY_KEYS_PASSPHRASE", "battery staple")
    monkeypatch.setenv("CAUSEWAY_KYC_WEBHOOK_SECRET", "battery charger")

    with pytest.raises(ValidationError, match="CAUSEWAY_ALLOW_SANDBOX_KYC"):
        Settings(_env_file=None)


def test_settings__sandbox_kyc_in_development__succeeds() -> None:
    settings = Settings(_env_file=None)

    assert (settings.kyc_provider, settings.allow_sandbox_kyc) == ("sandbox", False)


def test_settings__no_operations__rejects() -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, batch_operations=0)


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "passphrase"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_settings__passphrase_in_a_file__is_stripped_and_not_handed_on_holds(
    tmp_path: Path,
) -> None:
    path = secret_file(tmp_path, " battery staple\n")

    settings = Settings(_env_file=None, keys_passphrase_file=path)

    assert settings.keys_passphrase.get_secret_value() == "battery staple"
    assert "battery" not in str(settings.as_environment())
    assert settings.as_environment()["CAUSEWAY_KEYS_PASSPHRASE_FILE"] == str(path)
    assert "battery" not in repr(settings)


def test_settings__handed_to_a_child__are_the_same_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    sponsors = "0x" + "11" * 20 + ",0x" + "22" * 20
    settings = Settings(_env_file=None, bonus_sponsors=sponsors, fee_bps=7, chain_port=9545)

    for name, text in settings.as_environment().items():
        monkeypatch.setenv(name, text)

    assert Settings(_env_file=None) == settings


@pytest.mark.parametrize(
    ("mode", "is_good"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)]
)
def test_settings__passphrase_file_in_production__only_its_owner_reads_it_holds(
    tmp_path: Path, mode: int, is_good: bool
) -> None:
    def made() -> Settings:
        return Settings(
            _env_file=None,
            environment="production",
            keys_passphrase_file=secret_file(tmp_path, "battery staple", mode),
            kyc_webhook_secret=SecretStr("battery charger"),
            allow_sandbox_kyc=True,
        )

    if is_good:
        assert made().keys_passphrase.get_secret_value() == "battery staple"
        return
    with pytest.raises(ValidationError, match="chmod 600"):
        made()


@pytest.mark.parametrize("text", ["", " \n"])
def test_settings__passphrase_file_empty__rejects(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValidationError, match="is empty"):
        Settings(_env_file=None, keys_passphrase_file=secret_file(tmp_path, text))


def test_settings__passphrase_file_missing__rejects(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="can't be read"):
        Settings(_env_file=None, keys_passphrase_file=tmp_path / "none")


def test_settings__simd_for_all_validators__rejects() -> None:
    with pytest.raises(ValidationError, match="CAUSEWAY_VERIFIER=simd"):
        Settings(_env_file=None, verifier="simd")
