// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title SilentToken
/// @notice Takes calls that it doesn't know for done, like WETH: a permit, or an authorisation.
contract SilentToken is OddToken {
    constructor() ERC20("Silent", "SILENT") {}

    fallback() external {}
}
