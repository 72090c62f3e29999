// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title ReentrantToken
/// @notice Calls a target of the test's choice in the middle of its next transfer.
contract ReentrantToken is OddToken {
    event Reentered(bool succeeded, bytes result);

    address public target;
    bytes public data;
    /// @notice Whether a failed call back makes the transfer fail with the same error.
    bool public isBubbling;
    bool public lastSucceeded;
    bytes public lastResult;

    constructor() ERC20("Reentrant", "REENTER") {}

    /// @notice Arms one call back: the next transfer calls `target_` with `data_`, once.
    function arm(address target_, bytes calldata data_, bool bubbling) external {
        target = target_;
        data = data_;
        isBubbling = bubbling;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && target != address(0)) _callBack();
    }

    function _callBack() private {
        address called = target;
        target = address(0);
        if (isBubbling) {
            (lastSucceeded, lastResult) = (true, Address.functionCall(called, data));
        } else {
            (lastSucceeded, lastResult) = called.call(data);
        }
        emit Reentered(lastSucceeded, lastResult);
    }
}
