// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title A dollar on the chain
/// @notice An ERC-20 whose holders may also act by signature: ERC-2612 for allowances, ERC-3009 for
/// payments. Its issuer mints what customers paid in and burns what they redeem. Amounts are token
/// base units.
/// @dev Warning: `transferWithAuthorization` may be sent by anyone who sees it. A contract that
/// acts on the payment must take `receiveWithAuthorization`, which only the payee may send.
/// @dev Warning: a permit can be used by anyone before the transaction that carries it, which then
/// finds the nonce consumed. Callers go on if the allowance is there.
/// @dev Warning: `validAfter` and `validBefore` are seconds, both exclusive. Only if both have bit
/// 47 set (as seconds: millions of years ahead) are they read as block numbers.
interface IStablecoin is IERC20Metadata, IERC20Permit, IERC3009, IERC3009Cancel {
    /// @notice A token without an administrator could never be minted.
    error AdminIsZero();

    /// @notice Creates money for `account`. Only for MINTER_ROLE.
    /// @param amount Token base units.
    function mint(address account, uint256 amount) external;

    /// @notice Destroys money of the caller. Only for BURNER_ROLE, and only its own balance: nobody
    /// can destroy another holder's money.
    /// @param amount Token base units.
    function burn(uint256 amount) external;

    /// @notice The version in the EIP-712 domain, where wallets made for USDC look for it.
    function version() external view returns (string memory);

    /// @notice The role that may `mint`.
    function MINTER_ROLE() external view returns (bytes32);

    /// @notice The role that may `burn` its own balance.
    function BURNER_ROLE() external view returns (bytes32);
}
