// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title FreezableToken
/// @notice A token whose issuer can freeze a holder: nothing leaves him and nothing reaches him.
contract FreezableToken is OddToken {
    error HolderFrozen(address holder);

    mapping(address holder => bool) public isFrozen;

    constructor() ERC20("Freezable", "FREEZE") {}

    function setFrozen(address holder, bool frozen) external {
        isFrozen[holder] = frozen;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isFrozen[from]) revert HolderFrozen(from);
        if (isFrozen[to]) revert HolderFrozen(to);
        super._update(from, to, amount);
    }
}
