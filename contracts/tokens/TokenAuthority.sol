// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title TokenAuthority: says who may call the restricted functions of an issuer's tokens
/// @dev All powers over the tokens that name this authority:
/// - ADMIN_ROLE says which role may call which function, who has which role and after which delay,
///   and may replace the authority itself. Until a function has a role, it is an admin's.
///
/// Each of these can be given a delay, in which everybody sees what will be done.
contract TokenAuthority is AccessManager {
    /// @param admin The first holder of ADMIN_ROLE.
    constructor(address admin) AccessManager(admin) {}
}
