// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The door that every deposit passes before its money moves
/// @notice Decides who may bring money in: customer checks, caps, closed doors. The rollup names
/// one gate for ever and calls it once for each deposit, and for nothing else: a gate can neither
/// hold back a withdrawal nor touch money.
/// @dev The rollup has checked the amount and written the deposit record before it calls; the
/// tokens move after the call, and a revert of either undoes all.
/// Assumptions a gate may make:
/// - `assetId` is listed, `owner` is not zero, `amountMinor` is between 1 and 2^48 - 1;
/// - the call is not nested in another deposit or claim of the same rollup.
/// @dev Warning: anyone may call a gate. One that counts or records must check that `msg.sender` is
/// the rollup it serves.
interface IDepositGate {
    /// @notice Returns if the deposit is let in; reverts with an error of the gate's own if not.
    /// @dev May record what it learns from the evidence (it is not `view`). `depositor` is there
    /// because money may be brought in for somebody else, and a gate may have to refuse that.
    /// @param depositor Who pays the tokens: the sender of the deposit.
    /// @param owner Who will own the money in the ledger.
    /// @param assetId The asset's number in the rollup.
    /// @param amountMinor The amount in minor units.
    /// @param evidence Whatever this gate asks for (a signed approval, a proof); may be empty.
    function requireDeposit(
        address depositor,
        address owner,
        uint16 assetId,
        uint256 amountMinor,
        bytes calldata evidence
    ) external;
}
