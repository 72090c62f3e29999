// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStablecoin} from "../interfaces/IStablecoin.sol";
import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title Stablecoin
/// @notice An ERC-20 with ERC-2612 and ERC-3009, minted and burned by its issuer.
/// @dev All powers over this token:
/// - DEFAULT_ADMIN_ROLE appoints and dismisses admins, minters and burners. The last admin who
///   renounces leaves the other roles as they are for ever.
/// - MINTER_ROLE creates any amount for anybody: holders trust it as they trust the issuer.
/// - BURNER_ROLE destroys its own balance.
///
/// Nobody can freeze, pause, seize or move another holder's money, or replace this code.
contract Stablecoin is ERC20, ERC20Permit, ERC3009, AccessControl, IStablecoin {
    /// @inheritdoc IStablecoin
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    /// @inheritdoc IStablecoin
    bytes32 public constant BURNER_ROLE = keccak256("BURNER_ROLE");

    uint8 private immutable _decimals;

    /// @param admin The first holder of DEFAULT_ADMIN_ROLE.
    constructor(string memory name_, string memory symbol_, uint8 decimals_, address admin)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (admin == address(0)) revert AdminIsZero();

        _decimals = decimals_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /* SUPPLY */

    /// @inheritdoc IStablecoin
    function mint(address account, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(account, amount);
    }

    /// @inheritdoc IStablecoin
    function burn(uint256 amount) external onlyRole(BURNER_ROLE) {
        _burn(msg.sender, amount);
    }

    /* VIEWS */

    /// @inheritdoc IStablecoin
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
