// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RollupHandler} from "./RollupHandler.sol";

/// @notice Laws of the rollup that hold whatever a committee signs.
contract RollupTest {
    RollupHandler private handler;

    function setUp() external {
        handler = new RollupHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_vault__holds_deposits_less_claims() external view {
        uint256 vault = handler.token().balanceOf(address(handler.rollup()));
        (,,, uint64 outstandingMinor) = handler.rollup().assets(1);

        assert(vault >= handler.depositedMinor() - handler.claimedMinor());
        assert(outstandingMinor == handler.depositedMinor() - handler.claimedMinor());
        assert(handler.paidOut() == handler.claimedMinor());
    }

    function invariant_withdrawal__is_paid_once() external view {
        assert(handler.paidMax() <= 1);
    }

    function invariant_frontier__only_rises_past_closed_windows() external view {
        assert(!handler.isFrontierWrong());
        assert(handler.rollup().frontier() <= handler.rollup().tip());
    }

    function invariant_roots__are_counted_once() external view {
        assert(handler.rollup().authorisedRootCount() == handler.rootCount());
    }

    /// @dev That the handler gets as far as a claim is not left to chance.
    function test_handler__whole_life__pays() external {
        handler.deposit(0, 999);
        handler.deposit(1, 999);
        handler.deposit(2, 999);
        handler.post(3);
        handler.postAgain();
        handler.pass(handler.WINDOW_S());
        for (uint256 i = 0; i < 8; ++i) {
            handler.claim(i);
        }

        assert(handler.claimedMinor() > 0);
        assert(handler.rollup().frontier() > 0);
    }
}
