// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title A token that an issuer answers for
/// @notice An ERC-20 whose holders may also act by signature: ERC-2612 for allowances, ERC-3009 for
/// payments. Minters create tokens, each as many as he was allowed. Who may call a function that is
/// *restricted*, and after which delay, is written in the token's authority (OpenZeppelin's
/// `AccessManager`). Amounts are token base units.
///
/// **Vaults** hold the money of many, such as a rollup. They are declared when the token is made,
/// for ever: nothing that the issuer may do to holders can be done to a vault.
/// @dev Warning: a permit can be used by anyone before the transaction that carries it, which then
/// finds the nonce consumed. Callers go on if the allowance is there.
/// @dev Warning: `transferWithAuthorization` may be sent by anyone who sees it. A contract that
/// acts on the payment must take `receiveWithAuthorization`, which only the payee may send.
/// @dev Warning: `validAfter` and `validBefore` are seconds, both exclusive. Only if both have bit
/// 47 set (as seconds: millions of years ahead) are they read as block numbers.
interface IIssuedToken is IERC20Metadata, IERC20Permit, IERC3009, IERC3009Cancel {
    /// @notice The account is a vault for as long as the token exists.
    event VaultDeclared(address indexed vault);
    /// @notice The minter may mint `allowance` from now on, whatever he might before.
    event MinterConfigured(address indexed minter, uint256 allowance);
    /// @notice A minter created money; his allowance fell by as much.
    event Minted(address indexed minter, address indexed account, uint256 amount);

    /// @notice A vault is a contract that exists: an address without code might be anybody's.
    error VaultWithoutCode(address vault);
    /// @notice The minter may not mint as much.
    error MinterAllowanceExceeded(address minter, uint256 allowance, uint256 amount);
    /// @notice The account is a vault, or zero, which stands for minting and burning.
    error NotFreezable(address account);

    /// @notice Sets what `minter` may still mint; 0 stops him. Restricted.
    /// @dev Warning: it sets and does not add. A minter who sees it come may mint what he was
    /// allowed before, and then what he is allowed now.
    /// @param allowance Token base units; none is without limit.
    function configureMinter(address minter, uint256 allowance) external;

    /// @notice Creates money for `account` out of the sender's minter allowance.
    /// @param amount Token base units.
    function mint(address account, uint256 amount) external;

    /// @notice Destroys money of the sender. Restricted, since redeeming is a promise of the
    /// issuer's; nobody can destroy another holder's money.
    /// @param amount Token base units.
    function burn(uint256 amount) external;

    /// @notice What a minter may still mint, in token base units.
    function minterAllowance(address minter) external view returns (uint256);

    /// @notice Whether the account was declared a vault.
    function isVault(address account) external view returns (bool);

    /// @notice The version in the EIP-712 domain, where wallets made for USDC look for it.
    function version() external view returns (string memory);
}
