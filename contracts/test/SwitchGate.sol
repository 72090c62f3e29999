// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDepositGate} from "../interfaces/IDepositGate.sol";

/// @title SwitchGate
/// @notice A deposit gate for tests: open until it is closed, and it tells what it was asked.
contract SwitchGate is IDepositGate {
    error GateClosed(address owner);

    event DepositAsked(
        address depositor, address owner, uint16 assetId, uint256 amountMinor, bytes evidence
    );

    bool public isClosed;

    function setClosed(bool closed) external {
        isClosed = closed;
    }

    /// @inheritdoc IDepositGate
    function requireDeposit(
        address depositor,
        address owner,
        uint16 assetId,
        uint256 amountMinor,
        bytes calldata evidence
    ) external {
        if (isClosed) revert GateClosed(owner);
        emit DepositAsked(depositor, owner, assetId, amountMinor, evidence);
    }
}
