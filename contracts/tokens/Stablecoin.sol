// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStablecoin} from "../interfaces/IStablecoin.sol";
import {IssuedToken} from "./IssuedToken.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Stablecoin
/// @notice A dollar that is issued and supervised.
/// @dev All powers over this token, beside those over supply in IssuedToken:
/// - whoever may `freeze` and `unfreeze` stops single holders;
/// - whoever may `pause` and `unpause` stops all of them at once;
/// - whoever may `seize` takes money of frozen holders.
///
/// None of them can touch a vault: it is never frozen, nothing is seized from it, and it pays while
/// the token is paused. Nobody can replace this code.
contract Stablecoin is IssuedToken, Pausable, IStablecoin {
    /// @inheritdoc IStablecoin
    mapping(address account => bool) public isFrozen;

    /// @param authority_ The AccessManager that says who may call what.
    /// @param vaults Contracts that the issuer can't touch.
    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address authority_,
        address[] memory vaults
    ) IssuedToken(name_, symbol_, decimals_, authority_, vaults) {}

    /* SUPERVISION */

    /// @inheritdoc IStablecoin
    function freeze(address account) external restricted {
        _requireFreezable(account);
        if (isFrozen[account]) return;

        isFrozen[account] = true;
        emit AccountFrozen(account);
    }

    /// @inheritdoc IStablecoin
    function unfreeze(address account) external restricted {
        if (!isFrozen[account]) return;

        isFrozen[account] = false;
        emit AccountUnfrozen(account);
    }

    /// @inheritdoc IStablecoin
    function pause() external restricted {
        _pause();
    }

    /// @inheritdoc IStablecoin
    function unpause() external restricted {
        _unpause();
    }

    /// @inheritdoc IStablecoin
    function seize(address from, address to, uint256 amount) external restricted {
        if (!isFrozen[from]) revert AccountNotFrozen(from);
        if (to == address(0)) revert ERC20InvalidReceiver(to);
        _requireNotFrozen(to);

        super._update(from, to, amount);
        emit Seized(from, to, amount);
    }

    /* INTERNAL */

    /// @dev Whatever moves, mints or burns tokens comes through here, but for seizures.
    function _update(address from, address to, uint256 amount) internal override {
        _requireNotFrozen(from);
        _requireNotFrozen(to);
        if (paused() && !isVault[from]) revert EnforcedPause();

        super._update(from, to, amount);
    }

    function _spendAllowance(address owner, address spender, uint256 amount) internal override {
        _requireNotFrozen(spender);

        super._spendAllowance(owner, spender, amount);
    }

    function _requireNotFrozen(address account) private view {
        if (isFrozen[account]) revert AccountIsFrozen(account);
    }
}
