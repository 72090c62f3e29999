// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ERC7913WebAuthnVerifier
} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol";

/// @title PasskeyVerifier
/// @notice Checks passkeys (WebAuthn over P-256) for the treasury: a signer is this contract's
/// address ‖ x 32 ‖ y 32. Nobody has any power over it.
/// @dev Warning: it checks neither the site nor the counter that the authenticator signed, since a
/// passkey signs the digest itself; that the user was present and verified it does check.
contract PasskeyVerifier is ERC7913WebAuthnVerifier {}
