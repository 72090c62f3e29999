// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIssuedToken} from "../interfaces/IIssuedToken.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title IssuedToken: what the tokens of an issuer share
/// @dev All powers over supply:
/// - whoever may `configureMinter` says how much each minter may create;
/// - a minter creates as much, for anybody;
/// - whoever may `burn` destroys his own balance.
///
/// The authority says who these are; it can be replaced by its own admins alone.
abstract contract IssuedToken is ERC20, ERC20Permit, ERC3009, AccessManaged, IIssuedToken {
    uint8 private immutable _decimals;

    /// @inheritdoc IIssuedToken
    mapping(address minter => uint256) public minterAllowance;
    /// @inheritdoc IIssuedToken
    mapping(address account => bool) public isVault;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address authority_,
        address[] memory vaults
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(authority_) {
        if (authority_.code.length == 0) revert AccessManagedInvalidAuthority(authority_);

        _decimals = decimals_;
        for (uint256 i = 0; i < vaults.length; ++i) {
            if (vaults[i].code.length == 0) revert VaultWithoutCode(vaults[i]);
            isVault[vaults[i]] = true;
            emit VaultDeclared(vaults[i]);
        }
    }

    /* SUPPLY */

    /// @inheritdoc IIssuedToken
    function configureMinter(address minter, uint256 allowance_) external restricted {
        minterAllowance[minter] = allowance_;
        emit MinterConfigured(minter, allowance_);
    }

    /// @inheritdoc IIssuedToken
    function mint(address account, uint256 amount) external {
        uint256 allowed = minterAllowance[msg.sender];
        if (amount > allowed) revert MinterAllowanceExceeded(msg.sender, allowed, amount);

        minterAllowance[msg.sender] = allowed - amount;
        emit Minted(msg.sender, account, amount);
        _mint(account, amount);
    }

    /// @inheritdoc IIssuedToken
    function burn(uint256 amount) external restricted {
        _burn(msg.sender, amount);
    }

    /* INTERNAL */

    function _requireFreezable(address account) internal view {
        if (account == address(0) || isVault[account]) revert NotFreezable(account);
    }

    /* VIEWS */

    /// @inheritdoc IIssuedToken
    function version() external view returns (string memory) {
        return _EIP712Version();
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner)
        public
        view
        override(ERC20Permit, IERC20Permit)
        returns (uint256)
    {
        return super.nonces(owner);
    }
}
