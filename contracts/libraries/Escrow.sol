// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Escrow: money of the rollup's assets that a contract keeps for others
library Escrow {
    using SafeERC20 for IERC20;

    /// @notice The token moved another amount than was asked for.
    error EscrowBalanceMismatch(uint256 expected, uint256 actual);

    /// @dev Returns token and unit of a listed asset.
    function assetOf(IRollup rollup, uint16 assetId)
        internal
        view
        returns (IERC20 token, uint256 unit)
    {
        // slither-disable-next-line unused-return: the rest is not asked
        (address token_, uint64 unit_,,) = rollup.assets(assetId);
        if (token_ == address(0)) revert IRollup.AssetUnknown(assetId);
        return (IERC20(token_), unit_);
    }

    /// @dev Takes exactly `amount` token base units from the sender.
    function pull(IERC20 token, uint256 amount) internal {
        uint256 expected = _balanceOf(token) + amount;
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 actual = _balanceOf(token);
        if (actual != expected) revert EscrowBalanceMismatch(expected, actual);
    }

    function _balanceOf(IERC20 token) private view returns (uint256) {
        return token.balanceOf(address(this));
    }
}
