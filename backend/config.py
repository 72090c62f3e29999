"""All settings in one place. Law: the environment is read here alone, and names carry units."""

import os
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.protocol.votes import faults_max
from backend.toolchain import PROJECT_ROOT

# Anybody can read it here, so it protects nothing outside a laptop.
DEVELOPMENT_SECRET = "causeway-development"


class Settings(BaseSettings):
    """What an operator may set, by `CAUSEWAY_<NAME>` or a line in `.env`."""

    model_config = SettingsConfigDict(env_prefix="CAUSEWAY_", env_file=PROJECT_ROOT / ".env")

    environment: Literal["development", "production"] = "development"
    data_dir: Path = PROJECT_ROOT / "var"
    deployments_dir: Path = PROJECT_ROOT / "deployments"
    keys_passphrase: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    keys_passphrase_file: Path | None = None  # its text, stripped, is the passphrase then

    registers_url: str = ""  # default: SQLite in data_dir
    projections_url: str = ""

    chain_host: str = "127.0.0.1"
    chain_port: int = 8545
    rpc_url: str = ""  # default: the chain that `causeway up` starts on chain_host:chain_port
    beacon_url: str = ""  # a beacon node: it has the blobs of batches that aren't ours
    confirmations: int = Field(default=1, ge=1)  # on local chains; elsewhere: finalised

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    public_url: str = ""  # where people find the API, for links to pay; default: host and port
    api_key: SecretStr = SecretStr("")  # what the command line shows to the API

    validator_count: int = 4
    order_wait_ms_max: int = 5_000
    # Who verifies orders of bulk requests; docs/security/verification.md says who may use which.
    verifier: Literal["libsecp256k1", "simd"] = "libsecp256k1"

    batch_carrier: Literal["auto", "blobs", "calldata"] = "auto"
    batch_operations: int = Field(default=8_192, ge=1)  # post when this many are waiting …
    batch_age_ms_max: int = Field(default=60_000, ge=1)  # … or the oldest is this old
    submission_stuck_ms: int = 30_000

    treasury_signers: str = ""  # addresses with commas between; on local chains keys of ours

    fee_minor_min: int = Field(default=0, ge=0)
    fee_bps: int = Field(default=0, ge=0, le=10_000)

    # Whose campaigns the platform spends gas on: addresses with commas between; on a local chain it
    # serves everybody's.
    bonus_sponsors: str = ""

    kyc_provider: Literal["sandbox"] = "sandbox"  # it approves almost anybody
    allow_sandbox_kyc: bool = False  # production has to say so
    kyc_webhook_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    kyc_level_needed: int = Field(default=1, ge=1, le=255)
    kyc_validity_s: int = 365 * 24 * 3600

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.rpc_url:
            self.rpc_url = f"http://{self.chain_host}:{self.chain_port}"
        if self.keys_passphrase_file is not None:
            self.keys_passphrase = self._read_passphrase(self.keys_passphrase_file)
            # A child reads the file itself: what it gets by its environment, others may see.
            self.model_fields_set.discard("keys_passphrase")
        if self.verifier == "simd" and self.validator_count > faults_max(self.validator_count):
            raise ValueError(
                "CAUSEWAY_VERIFIER=simd: all validators run here, and at most a third of a "
                "committee may rely on it: choose libsecp256k1"
            )
        for name in ("keys_passphrase", "kyc_webhook_secret"):
            is_default = getattr(self, name).get_secret_value() == DEVELOPMENT_SECRET
            if self.environment == "production" and is_default:
                raise ValueError(f"set CAUSEWAY_{name.upper()}: production refuses the default")
        is_sandbox = self.kyc_provider == "sandbox"
        if self.environment == "production" and is_sandbox and not self.allow_sandbox_kyc:
            raise ValueError(
                "the sandbox KYC provider checks nobody: production refuses it "
                "unless CAUSEWAY_ALLOW_SANDBOX_KYC is true"
            )
        return self

    def _read_passphrase(self, path: Path) -> SecretStr:
        try:
            with path.open() as file:
                rights = os.fstat(file.fileno()).st_mode
                text = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"CAUSEWAY_KEYS_PASSPHRASE_FILE can't be read: {path}") from error
        if self.environment == "production" and rights & 0o077:
            raise ValueError(f"{path} can be read by others: chmod 600 it")
        if not text:
            raise ValueError(f"{path} is empty: CAUSEWAY_KEYS_PASSPHRASE_FILE needs a passphrase")
        return SecretStr(text)

    def as_environment(self) -> dict[str, str]:
        """Return the variables that give a child process these settings. Holds secrets."""
        variables = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"CAUSEWAY_{name.upper()}"] = text
        return variables

    @property
    def api_url(self) -> str:
        return f"http://{self.api_host}:{self.api_port}"


def inherited_environment() -> dict[str, str]:
    """Return this process's variables, to hand them on to a child."""
    return dict(os.environ)


@cache
def settings() -> Settings:
    """Return the process's settings, read once."""
    return Settings()
