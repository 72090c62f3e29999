"""The file of a deployment.

- of an earlier release: said so, with what to do
- none: nothing
"""

import json

import pytest

from backend.settlement.deployment_file import DeploymentOutdated, load_deployment


def test_load_deployment__earlier_release__rejects(tmp_path):
    path = tmp_path / "31337.json"
    path.write_text(json.dumps({"version": 1, "chainId": 31337}))

    with pytest.raises(DeploymentOutdated, match="earlier release.*31337|31337.*earlier release"):
        load_deployment(path)


def test_load_deployment__no_file__is_none_succeeds(tmp_path):
    assert load_deployment(tmp_path / "31337.json") is None
