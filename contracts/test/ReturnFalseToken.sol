// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title ReturnFalseToken
/// @notice While `isRefusing`, its transfers move nothing and say so only by returning false.
contract ReturnFalseToken is OddToken {
    bool public isRefusing = true;

    constructor() ERC20("Return False", "RFALSE") {}

    function setRefusing(bool refusing) external {
        isRefusing = refusing;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !isRefusing && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !isRefusing && super.transferFrom(from, to, amount);
    }
}
