// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title PausableToken
/// @notice A token whose issuer can stop every transfer.
contract PausableToken is OddToken {
    error TokenPaused();

    bool public isPaused;

    constructor() ERC20("Pausable", "PAUSE") {}

    function setPaused(bool paused) external {
        isPaused = paused;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isPaused) revert TokenPaused();
        super._update(from, to, amount);
    }
}
