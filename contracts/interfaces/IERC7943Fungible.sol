// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title ERC-7943 (uRWA) for fungible tokens
/// @notice Who may hold a token of a real-world asset, and what may be done against a holder. Its
/// ERC-165 id is 0x3edbb4c4.
interface IERC7943Fungible is IERC165 {
    /// @notice Tokens were moved without their holder.
    event ForcedTransfer(address indexed from, address indexed to, uint256 amount);
    /// @notice From now on `amount` tokens of the account are frozen, whatever was before.
    event Frozen(address indexed account, uint256 amount);

    /// @notice The account may not send.
    error ERC7943CannotSend(address account);
    /// @notice The account may not receive.
    error ERC7943CannotReceive(address account);
    /// @notice The rules do not allow this transfer.
    error ERC7943CannotTransfer(address from, address to, uint256 amount);
    /// @notice The account has as much, but not unfrozen.
    error ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen);

    /// @notice Moves tokens without their holder; frozen ones too, which are unfrozen first.
    /// @return True; reverts otherwise.
    function forcedTransfer(address from, address to, uint256 amount) external returns (bool);

    /// @notice Sets how many tokens of an account are frozen; it may be more than it has.
    /// @return True; reverts otherwise.
    function setFrozenTokens(address account, uint256 amount) external returns (bool);

    /// @notice Whether the account may send, to anybody and however little. Never reverts.
    function canSend(address account) external view returns (bool);

    /// @notice Whether the account may receive, from anybody and however little. Never reverts.
    function canReceive(address account) external view returns (bool);

    /// @notice How many tokens of the account are frozen; it may be more than it has.
    function getFrozenTokens(address account) external view returns (uint256);

    /// @notice Whether the rules allow the transfer, frozen tokens included. Never reverts.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool);
}
