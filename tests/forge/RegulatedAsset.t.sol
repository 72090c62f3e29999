// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {KycRegistry} from "../../contracts/identity/KycRegistry.sol";
import {IKycRegistry} from "../../contracts/interfaces/IKycRegistry.sol";
import {Relay} from "../../contracts/test/Relay.sol";
import {RegulatedAsset} from "../../contracts/tokens/RegulatedAsset.sol";
import {TokenAuthority} from "../../contracts/tokens/TokenAuthority.sol";
import {vm} from "./Vm.sol";

/// @dev Four people who come to a level and lose it, and a vault: they pay one another while the
/// issuer freezes and forces. Each action says beforehand whether it will succeed.
contract RegulatedAssetHandler {
    uint8 public constant LEVEL = 2;
    uint256 private constant PERSON_COUNT = 4;

    KycRegistry public immutable registry;
    RegulatedAsset public immutable token;
    address public immutable vault;

    uint256 public minted;
    /// @notice Whether an action succeeded that must not, or failed that must succeed.
    bool public isWrong;

    constructor() {
        registry = new KycRegistry(address(this), 1);
        registry.appointAttestor(address(this));
        TokenAuthority authority = new TokenAuthority(address(this));
        vault = address(new Relay());
        address[] memory vaults = new address[](1);
        vaults[0] = vault;
        token = new RegulatedAsset(
            "Bond", "BOND", 6, address(authority), vaults, IKycRegistry(registry), LEVEL
        );
        token.configureMinter(address(this), type(uint256).max);
        vm.warp(365 days);
    }

    /* PEOPLE */

    function attest(uint256 who, uint8 level) external {
        vm.warp(block.timestamp + 1);
        level = 1 + level % 3;
        registry.attest(
            IKycRegistry.Attestation(
                person(who), level, uint64(block.timestamp + 1 days), uint64(block.timestamp)
            ),
            ""
        );
    }

    function revoke(uint256 who) external {
        vm.warp(block.timestamp + 1);
        registry.revoke(person(who));
    }

    function pass(uint256 timeS) external {
        vm.warp(block.timestamp + timeS % 2 days);
    }

    /* THE ISSUER */

    function mint(uint256 to, uint128 amount) external {
        bool isDone = _try(
            address(this),
            abi.encodeCall(token.mint, (account(to), amount)),
            token.canReceive(account(to))
        );
        if (isDone) minted += amount;
    }

    function setFrozenTokens(uint256 who, uint256 amount) external {
        _try(
            address(this),
            abi.encodeCall(token.setFrozenTokens, (account(who), amount)),
            account(who) != vault
        );
    }

    function forcedTransfer(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        uint256 left = token.balanceOf(account(from)) - amount;
        uint256 frozen = token.getFrozenTokens(account(from));
        bool isDone = _try(
            address(this),
            abi.encodeCall(token.forcedTransfer, (account(from), account(to), amount)),
            account(from) != vault && token.canReceive(account(to))
        );
        uint256 expected = isDone && frozen > left ? left : frozen;
        if (token.getFrozenTokens(account(from)) != expected) isWrong = true;
    }

    /* PAYMENTS */

    /// @dev What the token says of a transfer beforehand is what becomes of it.
    function transfer(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        bool isAllowed = token.canTransfer(account(from), account(to), amount);
        bool isWithinFrozen = amount == 0
            || token.getFrozenTokens(account(from)) + amount <= token.balanceOf(account(from));
        if (isAllowed && !isWithinFrozen) isWrong = true;
        _try(account(from), abi.encodeCall(token.transfer, (account(to), amount)), isAllowed);
    }

    /* VIEWS */

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + i % PERSON_COUNT));
    }

    /// @notice A person, or the vault.
    function account(uint256 i) public view returns (address) {
        return i % (PERSON_COUNT + 1) == PERSON_COUNT ? vault : person(i);
    }

    function balanceSum() external view returns (uint256 sum) {
        sum = token.balanceOf(vault);
        for (uint256 i = 0; i < PERSON_COUNT; i++) {
            sum += token.balanceOf(person(i));
        }
    }

    function _try(address by, bytes memory data, bool isExpected) private returns (bool isDone) {
        vm.prank(by);
        (isDone,) = address(token).call(data);
        if (isDone != isExpected) isWrong = true;
    }

    function _upTo(uint256 amount, uint256 max) private pure returns (uint256) {
        return amount % (max + 1);
    }
}

contract RegulatedAssetTest {
    RegulatedAsset private token;
    RegulatedAssetHandler private handler;

    function setUp() external {
        handler = new RegulatedAssetHandler();
        token = handler.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_supply__is_what_was_minted() external view {
        assert(token.totalSupply() == handler.minted());
        assert(token.totalSupply() == handler.balanceSum());
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_actions__succeed_when_they_may_and_only_then() external view {
        assert(!handler.isWrong());
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_vault__is_free() external view {
        assert(token.getFrozenTokens(handler.vault()) == 0);
        assert(token.canSend(handler.vault()) && token.canReceive(handler.vault()));
    }

    /// @dev That the handler gets as far as each of its actions is not left to chance.
    function test_handler__whole_life__holds() external {
        handler.attest(0, 1);
        handler.attest(1, 1);
        handler.mint(0, 1_000);
        handler.setFrozenTokens(0, 900);
        handler.transfer(0, 1, 100);
        handler.transfer(0, 1, 50);
        handler.transfer(1, 4, 100);
        handler.forcedTransfer(0, 1, 300);
        handler.revoke(1);
        handler.transfer(4, 1, 100);
        handler.attest(1, 1);
        handler.transfer(4, 1, 40);

        assert(!handler.isWrong());
        assert(token.balanceOf(handler.person(0)) == 600);
        assert(token.getFrozenTokens(handler.person(0)) == 600);
        assert(token.balanceOf(handler.person(1)) == 340);
        assert(token.balanceOf(handler.vault()) == 60);
    }

    function testFuzz_transfer__frozen_part__stays(uint128 balance, uint256 frozen, uint256 amount)
        external
    {
        handler.attest(0, 1);
        handler.attest(1, 1);
        handler.mint(0, balance);
        handler.setFrozenTokens(0, frozen);
        uint256 unfrozen = frozen > balance ? 0 : balance - frozen;
        address payee = handler.person(1);

        vm.prank(handler.person(0));
        (bool isDone,) = address(token).call(abi.encodeCall(token.transfer, (payee, amount)));

        assert(isDone == (amount <= unfrozen));
        assert(token.balanceOf(payee) == (isDone ? amount : 0));
    }
}
