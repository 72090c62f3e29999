// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC7943Fungible} from "../interfaces/IERC7943Fungible.sol";
import {IKycRegistry} from "../interfaces/IKycRegistry.sol";
import {IRegulatedAsset} from "../interfaces/IRegulatedAsset.sol";
import {IssuedToken} from "./IssuedToken.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title RegulatedAsset
/// @notice A real-world asset that only checked people hold (ERC-7943).
/// @dev All powers over this token, beside those over supply in IssuedToken:
/// - whoever may `setFrozenTokens` freezes any part of a holder's tokens;
/// - whoever may call `forcedTransfer` or `forcedTransferFor` moves a holder's tokens, frozen or
///   not, to somebody who may hold them;
/// - the registry's attestors, by what they say of people, decide who can hold, send and receive.
///
/// None of them can touch a vault: nothing is frozen in it or forced out of it, and it may always
/// send and receive. Nobody can replace this code, the registry or the level.
contract RegulatedAsset is IssuedToken, ERC165, IRegulatedAsset {
    /// @inheritdoc IRegulatedAsset
    IKycRegistry public immutable registry;
    /// @inheritdoc IRegulatedAsset
    uint8 public immutable levelNeeded;

    mapping(address account => uint256) private _frozen;

    /// @param authority_ The AccessManager that says who may call what.
    /// @param vaults Contracts that the issuer can't touch.
    /// @param levelNeeded_ What `registry_` must say of whoever sends or receives, from 1.
    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address authority_,
        address[] memory vaults,
        IKycRegistry registry_,
        uint8 levelNeeded_
    ) IssuedToken(name_, symbol_, decimals_, authority_, vaults) {
        if (address(registry_).code.length == 0) {
            revert RegistryWithoutCode(address(registry_));
        }
        if (levelNeeded_ == 0) revert LevelNeededIsZero();

        registry = registry_;
        levelNeeded = levelNeeded_;
    }

    /* ENFORCEMENT */

    /// @inheritdoc IERC7943Fungible
    function setFrozenTokens(address account, uint256 amount) external restricted returns (bool) {
        _requireFreezable(account);

        _setFrozen(account, amount);
        return true;
    }

    /// @inheritdoc IERC7943Fungible
    function forcedTransfer(address from, address to, uint256 amount)
        external
        restricted
        returns (bool)
    {
        _forceTransfer(from, to, amount);
        return true;
    }

    /// @inheritdoc IRegulatedAsset
    function forcedTransferFor(address from, address to, uint256 amount, bytes32 reason)
        external
        restricted
    {
        _forceTransfer(from, to, amount);
        emit ForcedTransferReasoned(from, to, amount, reason);
    }

    /* INTERNAL */

    function _setFrozen(address account, uint256 amount) private {
        _frozen[account] = amount;
        emit Frozen(account, amount);
    }

    /// @dev Zero is refused on both sides: from it tokens would be minted, to it burned.
    function _forceTransfer(address from, address to, uint256 amount) private {
        if (from == address(0)) revert ERC20InvalidSender(from);
        if (to == address(0)) revert ERC20InvalidReceiver(to);
        if (isVault[from]) revert ERC7943CannotTransfer(from, to, amount);
        if (!canReceive(to)) revert ERC7943CannotReceive(to);
        uint256 balance = balanceOf(from);
        if (amount > balance) revert ERC20InsufficientBalance(from, balance, amount);

        uint256 left = balance - amount;
        if (_frozen[from] > left) _setFrozen(from, left);
        super._update(from, to, amount);
        emit ForcedTransfer(from, to, amount);
    }

    /// @dev Whatever moves, mints or burns tokens comes through here, but for forced transfers. Who
    /// burns need not be of the level: he gives up what he has.
    function _update(address from, address to, uint256 amount) internal override {
        if (from != address(0)) {
            if (to != address(0) && !canSend(from)) revert ERC7943CannotSend(from);
            uint256 unfrozen = _unfrozen(from);
            if (amount > unfrozen && amount <= balanceOf(from)) {
                revert ERC7943InsufficientUnfrozenBalance(from, amount, unfrozen);
            }
        }
        if (to != address(0) && !canReceive(to)) revert ERC7943CannotReceive(to);

        super._update(from, to, amount);
    }

    function _unfrozen(address account) private view returns (uint256) {
        return Math.saturatingSub(balanceOf(account), _frozen[account]);
    }

    /// @dev Zero has no level, whatever an attestor may say of it.
    function _isEligible(address account) private view returns (bool) {
        if (isVault[account]) return true;
        return account != address(0) && registry.levelOf(account) >= levelNeeded;
    }

    /* VIEWS */

    /// @inheritdoc IERC7943Fungible
    function canSend(address account) public view returns (bool) {
        return _isEligible(account);
    }

    /// @inheritdoc IERC7943Fungible
    function canReceive(address account) public view returns (bool) {
        return _isEligible(account);
    }

    /// @inheritdoc IERC7943Fungible
    function canTransfer(address from, address to, uint256 amount) external view returns (bool) {
        return canSend(from) && canReceive(to) && amount <= _unfrozen(from);
    }

    /// @inheritdoc IERC7943Fungible
    function getFrozenTokens(address account) external view returns (uint256) {
        return _frozen[account];
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC165, IERC165)
        returns (bool)
    {
        return interfaceId == type(IERC7943Fungible).interfaceId
            || super.supportsInterface(interfaceId);
    }
}
