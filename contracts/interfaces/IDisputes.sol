// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";

/// @title One-transaction proofs of fraud
/// @notice Anyone may prove. A proof that holds takes the rollup back to the batch before, begins
/// the next epoch and takes the signers' stakes. Malformed data of the operator is fraud and never
/// makes a proof revert; a proof reverts only if there is no fraud in what it shows, or if the
/// prover's own input is malformed.
/// @dev docs/PROTOCOL.md, section 9. For half of the stakes, `commit` keccak256(abi.encodePacked(
/// keccak256(calldata of the proof), prover)) in an earlier L1 block.
interface IDisputes {
    /// @notice One opening of a blob: the value of a field element and its proof.
    struct Opening {
        bytes32 value;
        bytes proof; // 48 bytes
    }

    /// @notice What of a batch was proven wrong.
    enum Fraud {
        InvalidChunk,
        DataMismatch,
        HeaderMismatch,
        DuplicateAccount
    }

    /// @notice Somebody committed to a proof; it earns him the reward from the next L1 block on.
    event ProofCommitted(bytes32 indexed commitment, address sender);
    /// @notice A fraud was proven; see also the rollup's `RolledBack`.
    event FraudProven(
        Fraud indexed fraud, uint64 indexed batchNumber, bytes32 headerHash, address prover
    );
    /// @notice A validator signed two different things.
    event EquivocationProven(address indexed validator, uint32 epoch, address prover);

    /// @notice The chunk is valid and ends in the root that it names.
    error ChunkValid();
    /// @notice The proof doesn't show an account that has to be read.
    error LeafNotShown(uint32 accountId);
    /// @notice The ids of a proof don't ascend strictly.
    error LeavesNotAscending(uint32 previous, uint32 actual);
    /// @notice The proof has too few siblings, or too many.
    error SiblingCountMismatch(uint256 expected, uint256 actual);
    /// @notice The leaves and siblings don't lead to the root.
    error RootMismatch(bytes32 expected, bytes32 actual);
    /// @notice A deposit record that is read was not shown.
    error DepositNotShown(uint64 index);
    /// @notice Another chunk has to be shown here.
    error ChunkIndexMismatch(uint256 expected, uint256 actual);
    /// @notice The batch fills another number of blobs than were named.
    error BlobCountMismatch(uint256 expected, uint256 actual);
    /// @notice The blob hashes shown are not the batch's, or it came as calldata.
    error BlobHashesMismatch(bytes32 expected, bytes32 actual);
    /// @notice The blob's bytes are those of the chunk.
    error DataMatches();
    /// @notice The commitment or an opening is not of the batch's blob.
    error OpeningInvalid(uint256 element);
    /// @notice Header and shown data agree.
    error HeaderMatches();
    /// @notice The slot opens no account.
    error SlotNotOpening(uint256 position);
    /// @notice No other account that was shown has the owner and asset of the one opened here.
    error AccountNotDuplicate();
    /// @notice Neither a Block's bytes nor a NextRound's.
    error VoteSizeInvalid(uint256 actualBytes);
    /// @notice The two signatures don't contradict each other.
    error SignaturesAgree();
    /// @notice The signatures are of two different signers.
    error SignersDiffer(address first, address second);

    /// @notice Commits to a proof: see above. A repeat keeps the first.
    function commit(bytes32 commitment) external;

    /// @notice Proves that a chunk holds an invalid operation, or ends in another root.
    /// @param before The chunk before, whose root the chunk starts from; not read (pass an empty
    /// one) for chunk 0, which starts from the header's preRoot.
    /// @param state The accounts that the chunk's operations read, under the pre-root.
    /// @param deposits The records that its deposits consume, from the first on.
    function proveInvalidChunk(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.ChunkProof calldata before,
        IRollup.Multiproof calldata state,
        IRollup.DepositRecord[] calldata deposits
    ) external;

    /// @notice Proves that a blob doesn't hold a chunk whose hash the submission named.
    /// @param blobHashes The versioned hashes that dataHash is made of.
    /// @param commitment KZG commitment of the chunk's blob, 48 bytes.
    /// @param openings Of the chunk's 32 field elements, in order.
    function proveDataMismatch(
        IRollup.AcceptedBatch calldata batch,
        uint256 chunkIndex,
        bytes32 chunkHash,
        bytes32[10] calldata chunkPath,
        bytes32[] calldata blobHashes,
        bytes calldata commitment,
        Opening[32] calldata openings
    ) external;

    /// @notice Proves that the last chunk doesn't end in the header's postRoot.
    function provePostRootMismatch(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata last
    ) external;

    /// @notice Proves that BRIDGE's nonce under postRoot is not the header's depositCursor.
    function proveCursorMismatch(
        IRollup.AcceptedBatch calldata batch,
        IRollup.LeafProof calldata bridge
    ) external;

    /// @notice Proves that a chunk opens an account for an owner who has another one of the asset.
    /// @param position Of the *open account* in the chunk.
    /// @param accounts Under the chunk's root; one of them is the other account.
    function proveDuplicateAccount(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint256 position,
        IRollup.Multiproof calldata accounts
    ) external;

    /// @notice Proves that a validator signed two different votes of one (number, epoch, round).
    /// @param first EIP-712 struct fields of a Block, abi-encoded (8 words), or of a NextRound (3).
    function proveDoubleVote(
        bytes calldata first,
        bytes calldata firstSignature,
        bytes calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice Proves that a validator signed two headers of one epoch that name different hashes
    /// for one lastBlockNumber.
    function proveDoubleHeader(
        IRollup.BatchHeader calldata first,
        bytes calldata firstSignature,
        IRollup.BatchHeader calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice In which L1 block a commitment was made; 0 if it was not.
    function committedAt(bytes32 commitment) external view returns (uint256);
    /// @notice The rollup.
    function rollup() external view returns (IRollup);
}
