// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {KycRegistry} from "../../contracts/identity/KycRegistry.sol";
import {IKycRegistry} from "../../contracts/interfaces/IKycRegistry.sol";
import {vm} from "./Vm.sol";

/// @dev Attestors who attest and revoke three people, by signatures of any age, while time passes
/// and now and then one of them is dismissed. It watches that nothing recorded goes back.
contract KycRegistryHandler {
    KycRegistry public immutable registry;

    bool public hasGoneBack;

    uint256 private constant PEOPLE_COUNT = 3;
    uint256 private constant ATTESTOR_COUNT = 4;

    constructor() {
        vm.warp(1_000_000);
        registry = new KycRegistry(address(this), 1);
        for (uint256 i = 0; i < ATTESTOR_COUNT; i++) {
            registry.appointAttestor(_attestor(i));
        }
    }

    modifier watched() {
        IKycRegistry.Status[] memory before = new IKycRegistry.Status[](PEOPLE_COUNT);
        for (uint256 i = 0; i < PEOPLE_COUNT; i++) {
            before[i] = registry.statusOf(person(i));
        }
        _;
        for (uint256 i = 0; i < PEOPLE_COUNT; i++) {
            IKycRegistry.Status memory status = registry.statusOf(person(i));
            hasGoneBack = hasGoneBack || status.issued < before[i].issued
                || status.recordedAt < before[i].recordedAt
                || status.revokedAt < before[i].revokedAt
                // and nothing changes without a newer attestation
                || (status.issued == before[i].issued && status.level != before[i].level);
        }
    }

    function attest(uint256 attestor, uint256 i, uint8 level, uint64 expiry, uint64 issued)
        external
        watched
    {
        IKycRegistry.Attestation memory attestation = IKycRegistry.Attestation({
            person: person(i),
            level: level % 8,
            expiry: _near(expiry, 100, 1_000),
            issued: _near(issued, 300, 10)
        });
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(_key(attestor), registry.attestationDigest(attestation));
        try registry.attest(attestation, abi.encodePacked(r, s, v)) {} catch {}
    }

    function revoke(uint256 attestor, uint256 i, uint8 dice) external watched {
        if (dice > 64) return; // it ends a lot
        vm.prank(_attestor(attestor));
        try registry.revoke(person(i)) {} catch {}
    }

    function dismiss(uint256 attestor, uint64 trustedUntil, uint8 dice) external watched {
        if (dice > 8) return; // it ends more
        try registry.dismissAttestor(_attestor(attestor), _near(trustedUntil, 500, 10)) {} catch {}
    }

    function pass(uint8 durationS) external watched {
        vm.warp(block.timestamp + durationS);
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0xC0FFEE + i % PEOPLE_COUNT));
    }

    function _key(uint256 i) private pure returns (uint256) {
        return 1 + i % ATTESTOR_COUNT;
    }

    function _attestor(uint256 i) private pure returns (address) {
        return vm.addr(_key(i));
    }

    /// @dev A moment from `pastS` seconds ago to `futureS` seconds from now.
    function _near(uint64 tsS, uint64 pastS, uint64 futureS) private view returns (uint64) {
        return uint64(block.timestamp) - pastS + tsS % (pastS + futureS);
    }
}

contract KycRegistryTest {
    KycRegistry private registry;
    KycRegistryHandler private handler;

    function setUp() external {
        handler = new KycRegistryHandler();
        registry = handler.registry();
    }

    /// @dev Forge calls these and nothing else between two looks at the invariants.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_statuses__never_go_back() external view {
        assert(!handler.hasGoneBack());
    }

    function invariant_level__counts_only_while_alive_and_trusted() external view {
        for (uint256 i = 0; i < 3; i++) {
            IKycRegistry.Status memory status = registry.statusOf(handler.person(i));
            bool counts = block.timestamp <= status.expiry && status.issued > status.revokedAt
                && status.recordedAt < registry.trustedUntil(status.attestor);
            assert(registry.levelOf(handler.person(i)) == (counts ? status.level : 0));
        }
    }

    function invariant_issued__is_never_ahead_of_the_chain() external view {
        for (uint256 i = 0; i < 3; i++) {
            IKycRegistry.Status memory status = registry.statusOf(handler.person(i));
            assert(status.issued <= status.recordedAt && status.recordedAt <= block.timestamp);
        }
    }

    function testFuzz_require_deposit__unknown_owner__reverts(
        address owner,
        uint16 assetId,
        uint256 amountMinor
    ) external {
        vm.expectRevert(abi.encodeWithSelector(IKycRegistry.KycRequired.selector, owner, 1, 0));
        registry.requireDeposit(owner, owner, assetId, amountMinor, "");
    }

    function testFuzz_attest__signed_by_nobody_appointed__reverts(uint256 key, address person)
        external
    {
        key = 5 + key % (2 ** 128);
        IKycRegistry.Attestation memory attestation = _attestation(person);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, registry.attestationDigest(attestation));

        vm.expectRevert(abi.encodeWithSelector(IKycRegistry.NotAttestor.selector, vm.addr(key)));
        registry.attest(attestation, abi.encodePacked(r, s, v));
    }

    function testFuzz_attest__any_bytes_as_signature__reverts(
        address person,
        bytes memory signature
    ) external {
        IKycRegistry.Attestation memory attestation = _attestation(person);

        (bool isDone,) =
            address(registry).call(abi.encodeCall(registry.attest, (attestation, signature)));

        assert(!isDone);
        assert(registry.levelOf(person) == 0);
    }

    function testFuzz_attest__bytes_after_name_of_attestor__reverts(
        address person,
        bytes memory signature
    ) external {
        IKycRegistry.Attestation memory attestation = _attestation(person);
        vm.assume(signature.length != 45); // that would be 65 in all: an ECDSA signature

        vm.expectRevert(
            abi.encodeWithSelector(IKycRegistry.AttestorSignatureInvalid.selector, vm.addr(1))
        );
        registry.attest(attestation, abi.encodePacked(vm.addr(1), signature));
    }

    /// @dev Only the signature is missing.
    function _attestation(address person) private view returns (IKycRegistry.Attestation memory) {
        return IKycRegistry.Attestation(person, 1, type(uint64).max, uint64(block.timestamp));
    }
}
