// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "../interfaces/ITreasury.sol";
import {
    MultiSignerERC7913Weighted
} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913Weighted.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title TreasurySigners: who signs for the treasury, and what governance needs
/// @notice Powers: the treasury itself, that is governance (or a recovery, for the signers alone),
/// changes all of it. Nobody else does.
abstract contract TreasurySigners is ITreasury, MultiSignerERC7913Weighted {
    uint256 private constant ADDRESS_SIZE_BYTES = 20;

    Governance private _governance;

    modifier onlyTreasury() {
        if (msg.sender != address(this)) revert SenderNotTreasury(msg.sender);
        _;
    }

    constructor(bytes[] memory signers, uint64[] memory weights, Governance memory governance_)
        MultiSignerERC7913Weighted(signers, weights, governance_.weightNeeded)
    {
        emit SignersChanged(new bytes[](0), signers, weights);
        _setGovernance(governance_);
    }

    /* POLICY */

    /// @inheritdoc ITreasury
    function changeSigners(
        bytes[] calldata dismissed,
        bytes[] calldata signers,
        uint64[] calldata weights
    ) external onlyTreasury {
        // Added before others are dismissed, so that governance is in reach all the time.
        for (uint256 i = 0; i < signers.length; ++i) {
            if (!isSigner(signers[i])) _addSigner(signers[i]);
        }
        _setSignerWeights(signers, weights);
        _removeSigners(dismissed);
        emit SignersChanged(dismissed, signers, weights);
    }

    /// @inheritdoc ITreasury
    function setGovernance(Governance calldata governance_) external onlyTreasury {
        _setGovernance(governance_);
    }

    /// @inheritdoc ITreasury
    function governance() public view returns (Governance memory) {
        return _governance;
    }

    /* INTERNAL */

    function _setGovernance(Governance memory governance_) private {
        uint64 weightMax = governance_.weightNeeded;
        _requireWeight(governance_.vetoWeight, weightMax);
        if (governance_.lostAfterS > 0) {
            _requireWeight(governance_.recoveryWeight, weightMax);
            if (governance_.recoveryTimelockS < governance_.timelockS) {
                revert RecoveryTimelockTooShort(
                    governance_.timelockS, governance_.recoveryTimelockS
                );
            }
        }

        _governance = governance_;
        _setThreshold(weightMax);
        emit GovernanceSet(governance_);
    }

    function _addSigner(bytes memory signer) private {
        bytes[] memory signers = new bytes[](1);
        signers[0] = signer;
        _addSigners(signers);
    }

    /// @dev Refuses signers for whom anybody could sign: a precompile "verifies" whatever it is
    /// shown (the identity, 0x04, answers with the selector that it was called with).
    function _addSigners(bytes[] memory signers) internal override {
        for (uint256 i = 0; i < signers.length; ++i) {
            address verifier = address(bytes20(signers[i]));
            bool isVerifier = signers[i].length > ADDRESS_SIZE_BYTES;
            if (
                verifier == address(0) || verifier == address(this)
                    || (isVerifier && verifier.code.length == 0)
            ) revert SignerInvalid(signers[i]);
        }
        super._addSigners(signers);
    }

    /// @dev Governance must be in reach of the others, whoever proposes.
    function _validateReachableThreshold() internal view override {
        super._validateReachableThreshold();
        if (!_governance.isOwnApprovalRefused) return;

        bytes[] memory signers = getSigners(0, type(uint64).max);
        uint64 lightest = type(uint64).max;
        for (uint256 i = 0; i < signers.length; ++i) {
            lightest = uint64(Math.min(lightest, signerWeight(signers[i])));
        }
        uint64 reachable = totalWeight() - lightest;
        if (reachable < threshold()) revert GovernanceUnreachable(threshold(), reachable);
    }

    function _requireWeight(uint64 weight, uint64 weightMax) private pure {
        if (weight == 0 || weight > weightMax) revert WeightOutOfRange(weightMax, weight);
    }
}
