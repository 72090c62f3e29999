// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A dollar on the chain
/// @notice What an issued token (see `IIssuedToken`) becomes under supervision: its issuer can
/// freeze holders, pause all transfers, and take the money of a frozen holder.
///
/// - A frozen account neither sends, nor receives, nor spends an allowance.
/// - While the token is paused nothing moves, is minted or burned, but for seizures.
/// - Transfers out of a vault go on while the token is paused. Only a frozen payee stops one: it
///   reverts, and whoever asked for it may ask again when the payee is no longer frozen.
/// @dev Warning: a minter is stopped by his allowance; freezing him only keeps him from sending and
/// receiving.
interface IStablecoin {
    /// @notice The account neither sends nor receives from now on.
    event AccountFrozen(address indexed account);
    /// @notice The account is as free as any other again.
    event AccountUnfrozen(address indexed account);
    /// @notice The issuer took a frozen account's money.
    event Seized(address indexed from, address indexed to, uint256 amount);

    /// @notice A frozen account would send, receive or spend.
    error AccountIsFrozen(address account);
    /// @notice Only what is frozen can be seized.
    error AccountNotFrozen(address account);

    /// @notice Keeps `account` from sending, receiving and spending. Restricted; a repeat changes
    /// nothing. Vaults can't be frozen.
    function freeze(address account) external;

    /// @notice Frees `account`. Restricted; a repeat changes nothing.
    function unfreeze(address account) external;

    /// @notice Stops all transfers but those out of vaults. Restricted; reverts if it is paused.
    function pause() external;

    /// @notice Lets transfers go on. Restricted; reverts if it is not paused.
    function unpause() external;

    /// @notice Moves money of a frozen account, as a court may order. Restricted.
    /// @param amount Token base units.
    function seize(address from, address to, uint256 amount) external;

    /// @notice Whether the account is frozen.
    function isFrozen(address account) external view returns (bool);
}
