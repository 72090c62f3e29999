// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBonusCampaigns} from "../interfaces/IBonusCampaigns.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title BonusTerms: which terms a campaign can have, and what they come to
library BonusTerms {
    uint256 private constant BPS = 10_000;
    uint256 private constant TIERS_MAX = 16;
    uint256 private constant ATTESTORS_MAX = 32;
    uint256 private constant SIGNATURE_SIZE_BYTES = 65;

    /// @dev Reverts unless the terms can be kept. That the asset is listed is for the caller.
    function requireValid(IBonusCampaigns.Terms memory terms) internal pure {
        if (terms.endTsS < terms.startTsS) {
            revert IBonusCampaigns.WindowInvalid(terms.startTsS, terms.endTsS);
        }
        if (terms.expiryS < terms.holdingS) {
            revert IBonusCampaigns.ExpiryTooShort(terms.holdingS, terms.expiryS);
        }
        if (terms.personMinorMax == 0) revert IBonusCampaigns.PersonCapZero();
        _requireTiers(terms.tiers);
        _requireAttestors(terms);
    }

    /// @dev Writes terms where none were written before.
    function write(IBonusCampaigns.Terms storage stored, IBonusCampaigns.Terms memory terms)
        internal
    {
        stored.assetId = terms.assetId;
        stored.kycLevelMin = terms.kycLevelMin;
        stored.startTsS = terms.startTsS;
        stored.endTsS = terms.endTsS;
        stored.holdingS = terms.holdingS;
        stored.expiryS = terms.expiryS;
        stored.turnoverBase = terms.turnoverBase;
        stored.attestationsNeeded = terms.attestationsNeeded;
        stored.turnoverBps = terms.turnoverBps;
        stored.personMinorMax = terms.personMinorMax;
        stored.termsHash = terms.termsHash;
        stored.attestors = terms.attestors;
        for (uint256 i = 0; i < terms.tiers.length; ++i) {
            stored.tiers.push(terms.tiers[i]);
        }
    }

    /// @dev Returns what a deposit earns, at least 1 and at most the person's cap.
    function bonusMinorDown(IBonusCampaigns.Terms storage terms, uint48 depositMinor)
        internal
        view
        returns (uint48)
    {
        // slither-disable-next-line uninitialized-local: the first of the tiers sets it, or reverts
        IBonusCampaigns.Tier memory tier;
        uint256 count = terms.tiers.length;
        for (uint256 i = 0; i < count; ++i) {
            IBonusCampaigns.Tier memory next = terms.tiers[i];
            if (depositMinor < next.depositMinorMin) {
                if (i != 0) break;
                revert IBonusCampaigns.DepositTooSmall(next.depositMinorMin, depositMinor);
            }
            tier = next;
        }

        uint256 bonusMinor =
            tier.matchBps == 0 ? tier.bonusMinor : uint256(depositMinor) * tier.matchBps / BPS;
        if (bonusMinor == 0) revert IBonusCampaigns.BonusZero();
        uint48 personMinorMax = terms.personMinorMax;
        return bonusMinor < personMinorMax ? uint48(bonusMinor) : personMinorMax;
    }

    /// @dev Returns the turnover that a grant needs.
    function turnoverMinorUp(
        IBonusCampaigns.Terms storage terms,
        IBonusCampaigns.Grant memory grant
    ) internal view returns (uint256) {
        uint256 baseMinor = terms.turnoverBase == IBonusCampaigns.TurnoverBase.Deposit
            ? grant.depositMinor
            : grant.bonusMinor;
        return (baseMinor * terms.turnoverBps + BPS - 1) / BPS;
    }

    /// @dev Reverts unless exactly as many attestors as the terms ask for signed `digest`.
    function requireAttested(
        IBonusCampaigns.Terms storage terms,
        bytes32 digest,
        bytes calldata signatures
    ) internal view {
        uint256 needed = terms.attestationsNeeded;
        if (signatures.length != needed * SIGNATURE_SIZE_BYTES) {
            revert IBonusCampaigns.SignatureBytesMismatch(
                needed * SIGNATURE_SIZE_BYTES, signatures.length
            );
        }
        address[] storage attestors = terms.attestors;
        uint256 index = 0;
        address previous = address(0);
        for (uint256 i = 0; i < needed; ++i) {
            uint256 start = i * SIGNATURE_SIZE_BYTES;
            address signer =
                ECDSA.recoverCalldata(digest, signatures[start:start + SIGNATURE_SIZE_BYTES]);
            if (signer <= previous) revert IBonusCampaigns.SignersNotAscending(previous, signer);

            // Both lists ascend, so one walk over the attestors finds all signers.
            while (index < attestors.length && attestors[index] < signer) ++index;
            if (index == attestors.length || attestors[index] != signer) {
                revert IBonusCampaigns.SignerNotAttestor(signer);
            }
            previous = signer;
        }
    }

    /// @dev Returns the condition that `actual` is `needed` at least.
    function reached(uint256 needed, uint256 actual)
        internal
        pure
        returns (IBonusCampaigns.Condition memory)
    {
        return IBonusCampaigns.Condition(needed, actual, actual >= needed);
    }

    /// @dev Returns the first reason for which a known grant can't be released, or None.
    function obstacle(IBonusCampaigns.GrantStatus memory status)
        internal
        pure
        returns (IBonusCampaigns.SkipReason)
    {
        if (
            status.state == IBonusCampaigns.GrantState.Released
                || status.state == IBonusCampaigns.GrantState.Forfeited
        ) return IBonusCampaigns.SkipReason.GrantClosed;
        if (!status.expiry.isMet) return IBonusCampaigns.SkipReason.Expired;
        if (!status.holding.isMet) return IBonusCampaigns.SkipReason.HoldingNotOver;
        if (!status.kycLevel.isMet) return IBonusCampaigns.SkipReason.KycLevelTooLow;
        if (!status.turnover.isMet) return IBonusCampaigns.SkipReason.TurnoverTooLow;
        return IBonusCampaigns.SkipReason.None;
    }

    function _requireTiers(IBonusCampaigns.Tier[] memory tiers) private pure {
        if (tiers.length == 0 || tiers.length > TIERS_MAX) {
            revert IBonusCampaigns.TierCountOutOfRange(1, TIERS_MAX, tiers.length);
        }
        uint48 previousMinor = 0;
        for (uint256 i = 0; i < tiers.length; ++i) {
            bool isFixed = tiers[i].bonusMinor != 0;
            bool isMatch = tiers[i].matchBps != 0;
            if (tiers[i].depositMinorMin <= previousMinor || isFixed == isMatch) {
                revert IBonusCampaigns.TierInvalid(i);
            }
            previousMinor = tiers[i].depositMinorMin;
        }
    }

    function _requireAttestors(IBonusCampaigns.Terms memory terms) private pure {
        uint256 count = terms.attestors.length;
        uint256 needed = terms.attestationsNeeded;
        bool isAsked = terms.turnoverBps != 0;
        bool isValid = isAsked
            ? needed != 0 && needed <= count && count <= ATTESTORS_MAX
            : needed == 0 && count == 0;
        if (!isValid) revert IBonusCampaigns.AttestationsInvalid(needed, count);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (terms.attestors[i] <= previous) {
                revert IBonusCampaigns.AttestorsNotAscending(previous, terms.attestors[i]);
            }
            previous = terms.attestors[i];
        }
    }
}
