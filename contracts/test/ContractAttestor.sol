// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title ContractAttestor
/// @notice An attestor without a key (ERC-1271): it "signs" what its tests approve, and the
/// signature is the password.
contract ContractAttestor is IERC1271 {
    bytes32 public approvedDigest;
    bytes32 private immutable _passwordHash;

    constructor(bytes memory password) {
        _passwordHash = keccak256(password);
    }

    function approve(bytes32 digest) external {
        approvedDigest = digest;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes memory signature)
        external
        view
        returns (bytes4)
    {
        bool isValid =
            digest == approvedDigest && keccak256(signature) == _passwordHash;
        return isValid ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
