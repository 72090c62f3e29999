// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title RevertingToken
/// @notice While `isReverting`, every transfer between two holders reverts.
contract RevertingToken is OddToken {
    error TransferRefused(address from, address to, uint256 amount);

    bool public isReverting = true;

    constructor() ERC20("Reverting", "REVERT") {}

    function setReverting(bool reverting) external {
        isReverting = reverting;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isReverting && from != address(0)) revert TransferRefused(from, to, amount);
        super._update(from, to, amount);
    }
}
