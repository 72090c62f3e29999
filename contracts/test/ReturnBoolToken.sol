// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title ReturnBoolToken
/// @notice A standard ERC-20 for tests: its transfers return a bool, and anyone may mint.
contract ReturnBoolToken is ERC20 {
    /// @notice The asset ledger supports 2 to 18 decimals; the mock refuses the rest.
    error DecimalsOutOfRange(uint8 min, uint8 max, uint8 actual);

    uint8 private constant DECIMALS_MIN = 2;
    uint8 private constant DECIMALS_MAX = 18;

    uint8 private immutable _decimals;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) ERC20(name_, symbol_) {
        if (decimals_ < DECIMALS_MIN || decimals_ > DECIMALS_MAX) {
            revert DecimalsOutOfRange(DECIMALS_MIN, DECIMALS_MAX, decimals_);
        }
        _decimals = decimals_;
    }

    /// @notice Creates `amountMinor` out of nothing for `account`.
    function mint(address account, uint256 amountMinor) external {
        _mint(account, amountMinor);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
