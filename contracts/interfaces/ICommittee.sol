// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The validators whose quorum certifies batches
/// @notice Keeps the members of each epoch, n = 3f + 1 of them, and checks that 2f + 1 signed.
/// @dev Warning: what 2f + 1 members sign, the rollup accepts, so whoever names the members decides
/// whom the users trust. The owner should be a multi-signature or a timelock.
interface ICommittee {
    /// @notice A new epoch began; its members are the ones whose signatures count from now on.
    /// @param epoch The new epoch's number.
    /// @param members Ascending addresses, 3f + 1 of them.
    event EpochBegun(uint32 indexed epoch, address[] members);

    /// @notice The number of members is not 3f + 1, or is above 256.
    error MemberCountInvalid(uint256 actual);
    /// @notice Members are not in strictly ascending order of address, or the first is zero.
    error MembersNotAscending(address previous, address actual);
    /// @notice The epoch has not begun yet, or is zero.
    error EpochUnknown(uint32 last, uint32 actual);
    /// @notice There are fewer whole signatures than 2f + 1.
    error QuorumNotReached(uint256 needed, uint256 actual);
    /// @notice There are more bytes than 2f + 1 signatures have.
    error SignaturesTooLong(uint256 expectedBytes, uint256 actualBytes);
    /// @notice The signatures are not in strictly ascending order of their signers.
    error SignersNotAscending(address previous, address actual);
    /// @notice The signer is not a member of that epoch's committee.
    error SignerNotMember(address signer);

    /// @notice Begins the next epoch with another committee. Only the owner.
    /// @dev Batches signed for the old epoch that L1 has not accepted yet must be signed anew.
    /// @param members Strictly ascending addresses without zero; 3f + 1 of them, at most 256.
    function beginEpoch(address[] calldata members) external;

    /// @notice Returns who signed; reverts unless exactly 2f + 1 members of the epoch signed.
    /// @dev Any epoch that has begun may be asked for; that it is the present one is for the caller
    /// to check. Signatures are r 32, s 32, v 1 bytes with low s and v 27 or 28; malformed ones
    /// revert with OpenZeppelin's ECDSA errors.
    /// @param epoch_ The epoch whose members count.
    /// @param digest What was signed.
    /// @param signatures 65 bytes each, in ascending order of the signers' addresses.
    /// @return signers Bitmap: bit i is set if the i-th member (from 0) signed.
    function requireQuorum(uint32 epoch_, bytes32 digest, bytes calldata signatures)
        external
        view
        returns (uint256 signers);

    /// @notice The present epoch; the first is 1.
    function epoch() external view returns (uint32);

    /// @notice The members of an epoch in ascending order; empty if it has not begun.
    function membersOf(uint32 epoch_) external view returns (address[] memory);

    /// @notice How many signatures an epoch's quorum takes: 2f + 1; 0 if it has not begun.
    function quorumOf(uint32 epoch_) external view returns (uint256);
}
