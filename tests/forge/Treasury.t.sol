// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TreasuryHandler} from "./TreasuryHandler.sol";

/// @notice Laws of the treasury that hold whatever its signers, or fewer of them, try.
contract TreasuryTest {
    TreasuryHandler private handler;

    function setUp() external {
        handler = new TreasuryHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_money__leaves_by_executed_proposals_alone() external view {
        uint256 paid = handler.token().balanceOf(handler.PAYEE());

        assert(paid == handler.paidAmount());
        assert(handler.token().balanceOf(address(handler.treasury())) == handler.FUNDS() - paid);
        assert(!handler.isForged() && !handler.isEarly() && !handler.isRevived());
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_windows__hold_for_each_number_of_signers() external view {
        assert(handler.spentByUpTo(1) <= handler.SOLO_MAX());
        assert(handler.spentByUpTo(3) <= handler.SOLO_MAX() + handler.PAIR_MAX());
        assert(!handler.isRefused());
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_nonce__is_used_once() external view {
        for (uint256 i = 0; i < handler.SIGNERS(); ++i) {
            bytes memory signer = handler.signerOf(i);
            for (uint192 key = 0; key < handler.NONCE_KEYS(); ++key) {
                uint64 nonce = handler.treasury().nonceOf(signer, key);
                assert(nonce == handler.executedCount(signer, key));
            }
        }
        assert(!handler.isReplayed());
    }

    /// @dev That the handler gets as far as each payment is not left to chance.
    function test_handler__whole_life__pays() external {
        handler.pay(0, 60, 0);
        handler.pay(2, 150, 1);
        handler.pay(0, 60, 0);
        handler.schedule(0, 0, 2);
        handler.executeScheduled(0);
        assert(handler.paidAmount() == 210);
        handler.pass(handler.WINDOW_S() - 1);
        handler.pass(1);
        handler.executeScheduled(0);
        handler.pay(0, 60, 0);
        assert(handler.paidAmount() == 270 + 1_001);

        for (uint256 i = 0; i < 10; ++i) {
            handler.replay(i);
            handler.forge(i, uint192(i));
        }
        handler.schedule(1, 0, 2);
        handler.cancel(1, 0);
        handler.pass(handler.WINDOW_S() - 1);
        handler.pass(1);
        handler.executeScheduled(1);
        assert(handler.paidAmount() == 270 + 1_001);
    }
}
