// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrizePurse} from "../interfaces/IPrizePurse.sol";
import {IRollup} from "../interfaces/IRollup.sol";

/// @title PrizePurse: owns the ledger account of one prize
/// @notice There is no owner, pause or upgrade. Powers of the contract that made it, `prizes`: to
/// have it authorise orders, which it does once, for the root its prize was created with.
contract PrizePurse is IPrizePurse {
    /// @inheritdoc IPrizePurse
    address public immutable prizes = msg.sender;

    /// @inheritdoc IPrizePurse
    function authorizeOrders(IRollup rollup, bytes32 root) external {
        if (msg.sender != prizes) revert SenderNotPrizes(prizes, msg.sender);

        rollup.authorizeOrders(root);
    }
}
