"""Check every balance against the story of a run: `check_balances.py build/demo-story.json`.

It shares no code with the platform: from the payments in the CSV and the deposits, fees and
withdrawals of the story it works out what everybody must own, then asks the API and the chain.

Exit code 0: everything agrees to the unit. 1: something doesn't; each difference is printed.
"""

import argparse
import csv
import json
import sys
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

Key = tuple[str, str]  # owner's address in lower case, asset code
RPC_BATCH = 200
BALANCE_OF = "0x70a08231"


class Expected:
    """What everybody must own: in the ledger in minor units, on the chain in base units."""

    def __init__(self, story: dict[str, Any]) -> None:
        self.ledger_minor: dict[Key, int] = defaultdict(int)
        self.wallet_base: dict[Key, int] = defaultdict(int)
        self.claimable_minor: dict[str, int] = defaultdict(int)
        self._people = {name: address.lower() for name, address in story["people"].items()}
        self._assets = story["assets"]
        self._fee_owner = story["fee_owner"].lower()
        self._add_money_in(story)
        self._add_payments(story)
        self._add_transfers(story)
        self._add_withdrawals(story)

    def unit(self, asset: str) -> int:
        return int(self._assets[asset]["unit"])

    def _add_money_in(self, story: dict[str, Any]) -> None:
        for one in story["minted"]:
            self.wallet_base[self._key(one)] += int(one["amount"])
        for one in story["deposits"]:
            amount_minor = int(one["amount_minor"])
            self.ledger_minor[self._key(one)] += amount_minor
            self.wallet_base[self._key(one)] -= amount_minor * self.unit(one["asset"])

    def _add_payments(self, story: dict[str, Any]) -> None:
        lines = _lines(story, len(story["fees_minor"]))
        for line, fee_minor in zip(lines, story["fees_minor"], strict=True):
            asset = line["asset"]
            amount_minor = self._minor(line["amount"], asset)
            self._spend(self._people[line["payer"]], asset, amount_minor, int(fee_minor))
            self.ledger_minor[self._people[line["payee"]], asset] += amount_minor

    def _add_transfers(self, story: dict[str, Any]) -> None:
        """The first lines once more, as plain transfers between wallets: the demo's baseline."""
        for line in _lines(story, story["transfer_count"]):
            asset = line["asset"]
            amount = self._minor(line["amount"], asset) * self.unit(asset)
            self.wallet_base[self._people[line["payer"]], asset] -= amount
            self.wallet_base[self._people[line["payee"]], asset] += amount

    def _add_withdrawals(self, story: dict[str, Any]) -> None:
        for one in story["withdrawals"]:
            amount_minor = int(one["amount_minor"])
            owner, asset = self._key(one)
            self._spend(owner, asset, amount_minor, int(one["fee_minor"]))
            if one["claimed"]:
                self.wallet_base[owner, asset] += amount_minor * self.unit(asset)
            else:
                self.claimable_minor[asset] += amount_minor

    def _spend(self, owner: str, asset: str, amount_minor: int, fee_minor: int) -> None:
        self.ledger_minor[owner, asset] -= amount_minor + fee_minor
        if fee_minor:
            self.ledger_minor[self._fee_owner, asset] += fee_minor

    def _minor(self, text: str, asset: str) -> int:
        scaled = Decimal(text) * 10 ** int(self._assets[asset]["decimals"]) / self.unit(asset)
        if scaled != int(scaled):
            raise SystemExit(f"{text} {asset} is no whole number of minor units")
        return int(scaled)

    def _key(self, one: dict[str, Any]) -> Key:
        return self._people[one["person"]], one["asset"]


def _lines(story: dict[str, Any], count: int) -> list[dict[str, str]]:
    with Path(story["payments_csv"]).open(newline="") as file:
        return list(csv.DictReader(file))[:count]


def ledger_balances(api_url: str, api_key: str) -> dict[Key, int]:
    """Return all balances of the ledger, page by page, in minor units."""
    balances: dict[Key, int] = {}
    after: str | None = None
    while True:
        query = {"limit": "100"} | ({"after": after} if after else {})
        request = urllib.request.Request(
            f"{api_url}/v1/accounts?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Bearer {api_key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = json.load(answer)
        for account in page["data"]:
            balances[account["owner"].lower(), account["asset"]] = int(account["balance"])
        if not page["has_more"]:
            return balances
        after = page["next_cursor"]


def token_balances(rpc_url: str, tokens: dict[str, str], owners: list[str]) -> dict[Key, int]:
    """Return ERC-20 balances in base units, asked in bulk."""
    asked = [(owner, asset) for asset in tokens for owner in owners]
    balances: dict[Key, int] = {}
    for start in range(0, len(asked), RPC_BATCH):
        part = asked[start : start + RPC_BATCH]
        calls = [
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "eth_call",
                "params": [
                    {"to": tokens[asset], "data": BALANCE_OF + owner[2:].rjust(64, "0")},
                    "latest",
                ],
            }
            for number, (owner, asset) in enumerate(part)
        ]
        request = urllib.request.Request(
            rpc_url, json.dumps(calls).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            for one in json.load(answer):
                balances[part[one["id"]]] = int(one["result"], 16)
    return balances


def differences(story: dict[str, Any], api_key: str) -> Iterator[str]:
    """Yield a line for each figure that disagrees."""
    expected = Expected(story)
    ledger = ledger_balances(story["api_url"], api_key)
    for key in sorted(expected.ledger_minor.keys() | ledger.keys()):
        wanted, found = expected.ledger_minor.get(key, 0), ledger.get(key, 0)
        if wanted != found:
            yield f"ledger {key[1]} of {key[0]}: expected {wanted} minor units, found {found}"

    rollup = story["rollup"].lower()
    tokens = {code: asset["token"] for code, asset in story["assets"].items()}
    owners = sorted({owner for owner, _ in expected.ledger_minor.keys() | expected.wallet_base})
    wallets = token_balances(story["rpc_url"], tokens, [*owners, rollup])
    for owner in owners:
        for asset in tokens:
            wanted, found = expected.wallet_base.get((owner, asset), 0), wallets[owner, asset]
            if wanted != found:
                yield f"wallet {asset} of {owner}: expected {wanted} base units, found {found}"

    for asset in tokens:
        owned_minor = sum(minor for (_, code), minor in ledger.items() if code == asset)
        wanted = (owned_minor + expected.claimable_minor[asset]) * expected.unit(asset)
        if wanted != wallets[rollup, asset]:
            yield (
                f"vault {asset}: balances and claimable are {wanted} base units, "
                f"it holds {wallets[rollup, asset]}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("story", type=Path, help="what happened, as written by the demo")
    parser.add_argument("--api-key-file", type=Path, required=True)
    arguments = parser.parse_args()
    story = json.loads(arguments.story.read_text())
    found = list(differences(story, arguments.api_key_file.read_text().strip()))
    for line in found:
        sys.stdout.write(line + "\n")
    people, assets = len(story["people"]), len(story["assets"])
    verdict = "all balances agree" if not found else f"{len(found)} figures disagree"
    sys.stdout.write(f"{people} people, {assets} assets: {verdict}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
