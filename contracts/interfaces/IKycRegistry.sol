// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDepositGate} from "./IDepositGate.sol";

/// @title Who is known, how well, and until when
/// @notice Attestors check people off the chain and sign what came out: a level and an expiry for
/// an address. This registry keeps the newest attestation of each person and, as the deposit gate,
/// lets in only owners it knows well enough. It holds no names, documents or reasons, and no hash
/// of any.
///
/// An attestation *counts* if all of these hold:
/// - it is the newest its person has: older ones can't be recorded over it;
/// - it was issued after the person's last revocation;
/// - it has not expired: it is alive while `expiry` >= block time;
/// - its attestor was trusted when it was recorded.
/// @dev Evidence for `requireDeposit` is empty, or `abi.encode(Attestation, bytes signature)` of
/// the owner, which is recorded first if it is newer than what is known. An older one, or one that
/// somebody else has recorded meanwhile, is ignored and what is recorded decides. Evidence in any
/// other encoding reverts without an error.
/// @dev Warning: all attestors speak for one registry: each can replace or revoke what another
/// said.
/// @dev Warning: `issued` is L1 time. An attestor whose clock runs ahead of the chain makes
/// attestations that are refused until the chain has caught up.
/// @dev Warning: one registry serves one rollup, since caps go by the rollup's asset numbers.
interface IKycRegistry is IDepositGate {
    /// @notice What an attestor signs, by EIP-712: domain name "Causeway KYC", version "1".
    /// @param person The address that was checked.
    /// @param level How thoroughly, from 1; what a level means is the operator's policy.
    /// @param expiry The last second, L1 time, in which it counts.
    /// @param issued When it was signed, in seconds of L1 time; each of a person's must be later
    /// than the one before.
    struct Attestation {
        address person;
        uint8 level;
        uint64 expiry;
        uint64 issued;
    }

    /// @notice What is recorded of a person; all zero for an unknown one.
    /// @param recordedAt When the attestation came on the chain (an attestor can choose `issued`,
    /// but not this).
    /// @param revokedAt The last revocation, 0 if there was none.
    struct Status {
        address attestor;
        uint8 level;
        uint64 expiry;
        uint64 issued;
        uint64 recordedAt;
        uint64 revokedAt;
    }

    /// @notice An attestation is the newest that its person has.
    event AttestationRecorded(
        address indexed person, address indexed attestor, uint8 level, uint64 expiry, uint64 issued
    );
    /// @notice All that was attested of a person up to `revokedAt` counts no more.
    event PersonRevoked(address indexed person, address indexed attestor, uint64 revokedAt);
    /// @notice `attestor` may attest and revoke from now on.
    event AttestorAppointed(address indexed attestor);
    /// @notice `attestor` serves no more: what he recorded from `trustedUntil` on counts no more.
    event AttestorDismissed(address indexed attestor, uint64 trustedUntil);
    /// @notice Deposits need this level from now on.
    event LevelNeededSet(uint8 level);
    /// @notice All deposits are refused until the gate is reopened.
    event DepositGateClosed(address indexed guardian);
    /// @notice Deposits are let in again.
    event DepositGateReopened(address indexed guardian);
    /// @notice Each single deposit of an asset is limited; 0 lifts the cap.
    event DepositCapSet(uint16 indexed assetId, uint64 capMinor);

    /// @notice The registry needs somebody to appoint attestors.
    error AdminIsZero();
    /// @notice Level 0 means unknown: nobody can be attested to it and no deposit can ask for it.
    error LevelIsZero();

    /// @notice `account` is not an attestor: it signed, or claims to have signed, or sent a
    /// revocation.
    /// @dev A signature over other data than these gives a random `account`.
    error NotAttestor(address account);
    /// @notice The attestor's contract (ERC-1271) says that it did not sign this.
    error AttestorSignatureInvalid(address attestor);
    /// @notice A signature is empty, 65 bytes, or an attestor's address and what its contract asks
    /// for.
    error SignatureMalformed(uint256 length);
    /// @notice `issued` lies ahead of L1 time, out of reach of revocations.
    error AttestationFromFuture(address person, uint64 latest, uint64 issued);
    /// @notice `issued` is not later than the newest attestation or the last revocation of the
    /// person.
    error AttestationTooOld(address person, uint64 newest, uint64 issued);
    /// @notice The evidence of a deposit speaks of somebody else than its owner.
    error EvidenceOfAnotherPerson(address owner, address person);

    /// @notice The owner's level (0: unknown) is below the one that deposits need.
    error KycRequired(address person, uint8 levelNeeded, uint8 level);
    /// @notice The attestation ended with the second `expiry`.
    error KycExpired(address person, uint64 expiry);
    /// @notice The person was revoked, and nothing was attested since.
    error KycRevoked(address person, uint64 revokedAt);
    /// @notice The attestation was recorded when its attestor was no longer trusted.
    error KycDistrusted(address person, address attestor, uint64 trustedUntil);

    /// @notice The guardian has closed the gate.
    error DepositsClosed();
    /// @notice The deposit is above the asset's cap. Minor units.
    error DepositCapExceeded(uint16 assetId, uint256 cap, uint256 actual);

    /// @notice An attestor is appointed once; who was dismissed never comes back, since that would
    /// bring back what he is distrusted for.
    error AttestorAppointedBefore(address attestor);
    /// @notice Trust can only end in the past, and only earlier than it already does.
    error TrustEndOutOfRange(uint64 earliest, uint64 latest, uint64 actual);

    /// @notice Records a newer attestation of a person. Anyone may send it.
    /// @param signature One of:
    /// - 65 bytes `r ‖ s ‖ v`: the attestor's ECDSA signature, low s;
    /// - the attestor's address (20 bytes) ‖ what its ERC-1271 contract asks for, but not 65 in
    ///   all;
    /// - empty: the sender is the attestor.
    function attest(Attestation calldata attestation, bytes calldata signature) external;

    /// @notice Ends what is known of `person`, and blocks every attestation issued so far, recorded
    /// or not. Only for attestors.
    function revoke(address person) external;

    /// @notice Lets `attestor` attest and revoke from now on. Only for DEFAULT_ADMIN_ROLE.
    function appointAttestor(address attestor) external;

    /// @notice Stops an attestor, for ever. Only for DEFAULT_ADMIN_ROLE.
    /// @param trustedUntil_ What was recorded in this second (L1 time) or later counts no more.
    /// Now, if he merely leaves; the moment of the theft, if his key was stolen. It can be set to
    /// an earlier one again. His revocations stand.
    function dismissAttestor(address attestor, uint64 trustedUntil_) external;

    /// @notice Sets the level that a deposit's owner needs, from 1. Only for DEFAULT_ADMIN_ROLE.
    function setLevelNeeded(uint8 level) external;

    /// @notice Refuses all deposits until reopened. Only for GUARDIAN_ROLE.
    function closeDeposits() external;

    /// @notice Lets deposits in again. Only for GUARDIAN_ROLE.
    function reopenDeposits() external;

    /// @notice Limits each single deposit of an asset. Only for GUARDIAN_ROLE.
    /// @dev Warning: it counts no sums. A person may deposit many times; limits over time are
    /// checked off the chain.
    /// @param capMinor The largest deposit in minor units; 0 lifts the cap.
    function setDepositCap(uint16 assetId, uint64 capMinor) external;

    /// @notice The level of `person` that counts now; 0 if unknown, expired, revoked or distrusted.
    function levelOf(address person) external view returns (uint8);

    /// @notice All that is recorded of `person`, whether it counts or not.
    function statusOf(address person) external view returns (Status memory);

    /// @notice When trust in an attestor ends: 0 if never appointed, 2^64 - 1 while he serves.
    function trustedUntil(address attestor) external view returns (uint64);

    /// @notice What an attestor signs for `attestation`.
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32);

    /// @notice The level that a deposit's owner needs.
    function levelNeeded() external view returns (uint8);

    /// @notice Whether the guardian has closed the gate.
    function isClosed() external view returns (bool);

    /// @notice The largest single deposit of an asset in minor units; 0 means no cap.
    function depositCapMinor(uint16 assetId) external view returns (uint64);

    /// @notice The role that may close deposits and cap them.
    function GUARDIAN_ROLE() external view returns (bytes32);
}
