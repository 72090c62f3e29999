// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC7943Fungible} from "./IERC7943Fungible.sol";
import {IKycRegistry} from "./IKycRegistry.sol";

/// @title A share of something real on the chain
/// @notice What an issued token (see `IIssuedToken`) becomes by ERC-7943: only people of a level in
/// the KYC registry send and receive it.
///
/// - A person whose level has ended keeps his tokens and can't move them. He is attested anew, or
///   the issuer moves them by `forcedTransfer`.
/// - Vaults send and receive whatever the registry says, and nothing can be frozen in them or
///   forced out of them. A vault's transfer to a person without the level reverts; whoever asked
///   for it may ask again when the person has it.
/// @dev Warning: nobody is asked about the spender of an allowance, who can't keep what he spends.
interface IRegulatedAsset is IERC7943Fungible {
    /// @notice Why the transfer of the `ForcedTransfer` before was forced.
    /// @param reason Hash of the order of a court, or of another document.
    event ForcedTransferReasoned(
        address indexed from, address indexed to, uint256 amount, bytes32 indexed reason
    );

    /// @notice No contract is at the registry's address.
    error RegistryWithoutCode(address registry);
    /// @notice Level 0 is everybody's: the asset would not be regulated.
    error LevelNeededIsZero();

    /// @notice As `forcedTransfer`, and says why. Restricted.
    /// @param reason Hash of the order of a court, or of another document.
    function forcedTransferFor(address from, address to, uint256 amount, bytes32 reason) external;

    /// @notice The level that a person needs.
    function levelNeeded() external view returns (uint8);

    /// @notice Who says which level a person has.
    function registry() external view returns (IKycRegistry);
}
