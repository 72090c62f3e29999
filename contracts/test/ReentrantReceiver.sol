// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Relay} from "./Relay.sol";

/// @title ReentrantReceiver
/// @notice Passes calls on, and while it is paid makes a call of the test's choice.
contract ReentrantReceiver is Relay {
    address private _target;
    bytes private _data;
    bool public lastSucceeded;
    bytes public lastResult;

    /// @notice Arms one call back.
    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    receive() external payable {
        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        (lastSucceeded, lastResult) = target.call(_data);
    }
}
