// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";

/// @title Owner of a ledger account that holds one prize
/// @notice It has no key and does one thing, once: its orders are authorised by their root. Each
/// prize has a purse of its own, as a root of one could otherwise spend the money of another.
interface IPrizePurse {
    /// @notice Only the contract that made the purse has it authorise orders.
    error SenderNotPrizes(address expected, address actual);

    /// @notice Authorises the orders under `root` to spend from the purse's ledger accounts.
    function authorizeOrders(IRollup rollup, bytes32 root) external;

    /// @notice The contract that made the purse.
    function prizes() external view returns (address);
}
