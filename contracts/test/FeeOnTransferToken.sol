// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title FeeOnTransferToken
/// @notice Burns `feeBps` of each transfer, so the payee gets less than was sent.
contract FeeOnTransferToken is OddToken {
    uint256 private constant BPS = 10_000;

    uint256 public feeBps = 100;

    constructor() ERC20("Fee On Transfer", "FEE") {}

    function setFeeBps(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        bool isTransfer = from != address(0) && to != address(0);
        uint256 fee = isTransfer ? amount * feeBps / BPS : 0;

        super._update(from, to, amount - fee);
        if (fee > 0) super._update(from, address(0), fee);
    }
}
