// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Core} from "./Core.sol";
import {RollupHandler} from "./RollupHandler.sol";

abstract contract RollupWorld {
    RollupHandler internal handler;

    constructor(bool isWatched) {
        handler = new RollupHandler(isWatched);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev That the handler gets as far as each way out, twice, is not left to chance.
    function test_handler__whole_life__pays_once() external {
        for (uint256 i = 0; i < 12; ++i) {
            handler.deposit(i, 999);
        }
        _postTwo();
        handler.rollBack(15 << 16); // the last one
        _postTwo();
        for (uint256 i = 0; i < 6; ++i) {
            handler.advance(i / 2, i);
        }
        handler.pass(Core.WINDOW_S);
        handler.escape(1); // too early, as is the next
        handler.refund(11);
        handler.freeze(1);
        handler.settle();
        for (uint256 i = 0; i < 12; ++i) {
            handler.claim(i);
            handler.claim(i / 2);
        }
        handler.reward(0);
        handler.reward(0);
        handler.freeze(0);
        handler.escape(5);
        handler.escape(63);
        handler.escape(63);
        handler.refund(0); // consumed
        handler.refund(11);
        handler.refund(11);

        assert(handler.claimCount() > 0 && handler.advanceCount() > 0);
        assert(handler.escapeCount() > 1 && handler.refundCount() > 1);
        assert(handler.rollBackCount() > 0 && handler.rewardCount() == 1);
        _check();
    }

    function test_handler__frozen_while_batches_are_open__waits() external {
        for (uint256 i = 0; i < 12; ++i) {
            handler.deposit(i, 999);
        }
        _postTwo();
        handler.rollBack(15 << 16); // the last one
        _postTwo();
        handler.rollBack(15 << 16); // the last one
        assert(handler.rollup().frozenTsS() != 0 && handler.rollup().tip() == 2);

        handler.escape(63);
        handler.refund(11);
        assert(handler.escapeCount() + handler.refundCount() == 0);

        handler.pass(Core.WINDOW_S);
        handler.settle();
        handler.escape(63);
        handler.refund(11);
        assert(handler.escapeCount() > 1 && handler.refundCount() == 1);
        _check();
    }

    /// @dev All laws of the kind of world.
    function _check() internal view virtual;

    /// @dev Honest ones, of three deposits each.
    function _postTwo() private {
        handler.post(3 << 16 | 1 << 8 | 3);
        handler.post(2 << 16 | 1 << 8 | 3);
    }
}

/// @notice Laws of the rollup that hold whatever a committee signs, and whoever sleeps.
contract RollupTest is RollupWorld(false) {
    function _check() internal view override {
        invariant_vault__holds_deposits_less_what_left();
        invariant_withdrawal__is_paid_once();
        invariant_escape__is_paid_once_and_exactly();
        invariant_frontier__only_rises_past_closed_windows();
        invariant_committee__holds_what_it_owes();
    }

    function invariant_vault__holds_deposits_less_what_left() public view {
        for (uint16 assetId = 1; assetId <= 2; ++assetId) {
            uint256 expected = handler.depositedMinor(assetId) - handler.paidOut(assetId);
            (,,, uint64 outstandingMinor) = handler.rollup().assets(assetId);

            assert(handler.tokenOf(assetId).balanceOf(address(handler.rollup())) == expected);
            assert(outstandingMinor == expected);
        }
    }

    function invariant_withdrawal__is_paid_once() public view {
        assert(handler.paidMax() <= 1);
    }

    function invariant_escape__is_paid_once_and_exactly() public view {
        assert(!handler.isEscapeWrong());
    }

    function invariant_frontier__only_rises_past_closed_windows() public view {
        assert(!handler.isFrontierWrong());
        assert(handler.rollup().frontier() <= handler.rollup().tip());
    }

    function invariant_roots__are_counted_once() public view {
        assert(handler.rollup().authorisedRootCount() == handler.rootCount());
    }

    function invariant_committee__holds_what_it_owes() public view {
        address committee = address(handler.rollup().committee());
        assert(committee.balance == handler.committeeOwesWei());
    }
}

/// @notice And if one honest party watches, nobody's money can be taken: the vault is exactly what
/// it owes by the last settled batch.
contract WatchedRollupTest is RollupWorld(true) {
    function _check() internal view override {
        invariant_vault__is_what_people_are_owed();
    }

    function invariant_vault__is_what_people_are_owed() public view {
        for (uint16 assetId = 1; assetId <= 2; ++assetId) {
            uint256 vault = handler.tokenOf(assetId).balanceOf(address(handler.rollup()));
            assert(vault == handler.owedMinor(assetId));
        }
    }
}
