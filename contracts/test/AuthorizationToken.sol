// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title AuthorizationToken
/// @notice A standard token with ERC-3009 payments. Anyone may mint.
contract AuthorizationToken is ERC20, ERC3009 {
    constructor() ERC20("Authorization", "AUTH") EIP712("Authorization", "1") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
