// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Relay
/// @notice Passes a call on, for tests of what may be called by a contract and what may not.
contract Relay {
    function call(address target, bytes calldata data) external {
        Address.functionCall(target, data);
    }
}
