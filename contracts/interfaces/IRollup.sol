// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "./IChallenges.sol";
import {ICommittee} from "./ICommittee.sol";
import {IDepositGate} from "./IDepositGate.sol";
import {IDisputes} from "./IDisputes.sol";
import {IExits} from "./IExits.sol";
import {IRollupState} from "./IRollupState.sol";

/// @title The rollup: holds the money and the ledger's batches
/// @notice Money enters by `deposit`, moves in the ledger off the chain, and leaves by
/// `claimWithdrawal` from a settled batch. A batch is accepted with the signatures of 2f + 1
/// validators and settles when the challenge window has passed; until then anybody can have it
/// rolled back by a proof (`IDisputes`) or an unanswered challenge (`IChallenges`). Who is not
/// served leaves by a forced exit (`IExits`); if the committee misses a deadline, anybody freezes
/// the rollup, and everybody escapes with what the last settled batch says is his.
/// @dev Amounts named `amountMinor` are minor units of an asset; plain `amount` is token base units
/// (`amountMinor * unit`). Times are seconds. Bytes and hashes are those of docs/PROTOCOL.md; the
/// hash of a header is its EIP-712 digest.
/// A listed token's transfers move exactly the amount asked for (a fee makes deposits revert), and
/// its balances change by transfers only (the vault of a rebasing token may fall short).
interface IRollup is IRollupState {
    /// @notice What the committee signs about a batch (EIP-712 type `BatchHeader`).
    struct BatchHeader {
        uint64 number; // of the batch, from 1
        uint32 epoch; // whose committee signs
        bytes32 parentHash; // of the header before; 0 for batch 1
        bytes32 preRoot; // state root before the batch
        bytes32 postRoot; // state root after it
        bytes32 chunksRoot; // root of the depth-10 tree over the chunks' hashes
        uint16 chunkCount; // 1 to 768
        bytes32 dataHash; // of the chunk bytes, or of the concatenated blob hashes
        uint64 depositCursor; // deposits consumed up to the batch's end
        uint64 l1BlockNumber; // the L1 block the batch was built upon
        bytes32 l1BlockHash; // its hash
        uint64 lastBlockNumber; // last ledger block in the batch
        bytes32 lastBlockHash; // its hash
        uint64 timestamp; // seconds
    }

    /// @notice A batch as L1 accepted it: what a caller shows, checked against the stored word.
    struct AcceptedBatch {
        BatchHeader header;
        uint64 acceptedTsS; // L1 time of acceptance
        uint256 signers; // the committee's bitmap
    }

    /// @notice Proof that a withdrawal stands in a batch.
    struct WithdrawalProof {
        uint256 slotNumber; // chunk index * 64 + position in the chunk
        bytes chunk; // 992 bytes: 64 operations and the state root after them
        bytes32[10] chunkPath; // siblings from the chunk's hash up to chunksRoot
        address owner; // the payer's leaf in the state after the chunk
        uint16 assetId;
        uint64 nonce;
        uint64 balanceMinor;
        bytes32[32] leafPath; // siblings from the payer's leaf up to the chunk's state root
    }

    /// @notice An account as the state tree holds it, and its path to a state root.
    struct LeafProof {
        uint32 accountId;
        address owner; // 0: the leaf is empty
        uint16 assetId;
        uint64 nonce;
        uint64 balanceMinor;
        bytes32[32] path; // siblings from the leaf up
    }

    /// @notice A chunk of a batch.
    struct ChunkProof {
        uint256 index; // of the chunk in its batch
        bytes chunk; // 992 bytes
        bytes32[10] path; // siblings from the chunk's hash up to chunksRoot
    }

    /// @notice A leaf that a proof shows; owner 0 is the empty leaf.
    struct Leaf {
        uint32 accountId;
        address owner;
        uint16 assetId;
        uint64 nonce;
        uint64 balanceMinor;
    }

    /// @notice Leaves under one root, ascending, and the siblings that prove them: PROTOCOL.md,
    /// section 1.
    struct Multiproof {
        Leaf[] leaves;
        bytes32[] siblings;
    }

    /// @notice A deposit as L1 queued it.
    struct DepositRecord {
        address token;
        uint16 assetId;
        address owner;
        uint48 amountMinor;
        uint64 tsS;
    }

    /// @notice What the rollup is joined to, for ever.
    struct Parts {
        ICommittee committee;
        IDepositGate gate;
        address lister;
        IExits exits;
        IDisputes disputes;
        IChallenges challenges;
    }

    /// @notice Its times, in seconds, and the least gas price, in wei, that bonds and bounties are
    /// reckoned with: docs/PROTOCOL.md, section 11.
    struct Windows {
        uint64 challengeWindow;
        uint64 answerWindow;
        uint64 exitDeadline;
        uint64 depositTimeout;
        uint64 silenceDeadline;
        uint64 timestampLag;
        uint256 gasPriceFloor;
    }

    /// @notice A holder's ERC-3009 authorisation of a deposit, and his signature.
    struct Authorization {
        address from; // the holder, who signed
        uint256 validAfter; // seconds, exclusive
        uint256 validBefore; // seconds, exclusive
        bytes32 salt; // 32 random bytes: see `depositWithAuthorization`
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice Blocks may be posted again after a roll-back, so headers must be allowed to be old.
    error TimestampLagTooShort(uint64 minimum, uint64 actual);
    /// @notice Only the lister lists assets.
    error SenderNotLister(address expected, address actual);
    /// @notice No contract is at the token's address.
    error TokenWithoutCode(address token);
    /// @notice Each token is listed once, here as `assetId`.
    error TokenAlreadyListed(address token, uint16 assetId);
    /// @notice A minor unit is at least one token base unit.
    error UnitZero();
    /// @notice No asset is listed under this id.
    error AssetUnknown(uint16 assetId);
    /// @notice Zero owns no account: nobody could move the money.
    error OwnerZero();
    /// @notice The amount is not a whole number of minor units.
    error AmountNotMultiple(uint256 unit, uint256 actual);
    /// @notice The deposit is not between 1 and 2^48 - 1 minor units.
    error DepositOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice Deposits less claims of an asset would exceed 2^63 - 1 minor units.
    error AssetFull(uint256 maximumMinor, uint256 actualMinor);
    /// @notice The token moved another amount than was asked for.
    error VaultBalanceMismatch(uint256 expected, uint256 actual);
    /// @notice Zero is no root: it stands for one that was never filled in.
    error RootZero();
    /// @notice A contract called: the chunks would not be in the transaction's own calldata.
    error SenderNotOrigin(address expected, address actual);
    /// @notice The sender has code, which could call again from inside the transaction.
    error SenderHasCode(address sender);
    /// @notice Batches are accepted, and settled, one after the other.
    error BatchOutOfOrder(uint64 expected, uint64 actual);
    /// @notice The header names another epoch than the committee's present one.
    error EpochMismatch(uint32 expected, uint32 actual);
    /// @notice What was shown of a batch is not what L1 accepted under its number.
    error BatchNotAccepted(uint64 number, bytes32 expectedSlot, bytes32 actualSlot);
    /// @notice The header does not follow the batch before.
    error ParentHashMismatch(bytes32 expected, bytes32 actual);
    /// @notice The batch does not start from the state that the one before left.
    error PreRootMismatch(bytes32 expected, bytes32 actual);
    /// @notice The calldata is not a whole number of chunks.
    error ChunkBytesInvalid(uint256 chunkSizeBytes, uint256 actualBytes);
    /// @notice A batch has at least one chunk, and at most what its carrier holds.
    error ChunkCountOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice The header counts other chunks than were sent.
    error ChunkCountMismatch(uint256 expected, uint256 actual);
    /// @notice The header's root is not that of the chunks sent.
    error ChunksRootMismatch(bytes32 expected, bytes32 actual);
    /// @notice The header's data hash is not that of the bytes, or blobs, sent.
    error DataHashMismatch(bytes32 expected, bytes32 actual);
    /// @notice The transaction has fewer blobs than the chunks fill; `index` is the first missing.
    error BlobMissing(uint256 index);
    /// @notice The cursor went back, or ahead of the deposit queue.
    error DepositCursorOutOfRange(uint64 minimum, uint64 maximum, uint64 actual);
    /// @notice L1 no longer knows, or does not know yet, the hash of that block.
    error L1BlockUnavailable(uint64 number);
    /// @notice The batch was built upon a block that is not in this chain.
    error L1BlockHashMismatch(bytes32 expected, bytes32 actual);
    /// @notice The last ledger block lies before that of the batch before.
    error LastBlockNumberBehind(uint64 minimum, uint64 actual);
    /// @notice A batch without new ledger blocks keeps the last one's hash.
    error LastBlockHashMismatch(bytes32 expected, bytes32 actual);
    /// @notice The time is before the last batch's, too far behind L1's or too far ahead.
    error TimestampOutOfRange(uint64 minimum, uint64 maximum, uint64 actual);
    /// @notice The rollup is frozen: nothing comes in any more.
    error RollupFrozen(uint256 frozenTsS);
    /// @notice The rollup is not frozen: money leaves by withdrawals and exits.
    error RollupNotFrozen();
    /// @notice Only the exits contract assigns claims.
    error SenderNotExits(address expected, address actual);
    /// @notice Only what judges frauds rolls back.
    error SenderNotJudge(address sender);
    /// @notice The batch is above the tip: it was removed, or there never was one.
    error BatchRemoved(uint64 tip, uint64 actual);
    /// @notice A settled batch stands for ever.
    error BatchSettledAlready(uint64 number);
    /// @notice Challenges of the batch are open.
    error ChallengesOpen(uint256 count);
    /// @notice The deadline has not passed.
    error DeadlineAhead(uint256 deadlineTsS, uint256 actualTsS);
    /// @notice No exit of this account waits: nobody asked, it was served, or nothing is there.
    error ExitNotWaiting(uint32 accountId, address owner);
    /// @notice The batch is neither the last one nor was it accepted after the deadline.
    error BatchTooOld(uint256 deadlineTsS, uint256 acceptedTsS);
    /// @notice The batches have consumed this deposit.
    error DepositConsumed(uint64 cursor, uint64 index);
    /// @notice The record is not the queue's at this place.
    error DepositNotQueued(uint64 index);
    /// @notice BRIDGE and REGISTRY are nobody's.
    error AccountReserved(uint32 accountId);
    /// @notice The batch can still be challenged.
    error WindowOpen(uint256 settlesAtTsS, uint256 actualTsS);
    /// @notice The batch is not settled, nor the next to settle.
    error BatchNotSettled(uint64 frontier, uint64 actual);
    /// @notice The batch has fewer slots.
    error SlotOutOfRange(uint256 limit, uint256 actual);
    /// @notice The batch has fewer chunks.
    error ChunkOutOfRange(uint256 limit, uint256 actual);
    /// @notice A chunk is 992 bytes.
    error ChunkSizeMismatch(uint256 expectedBytes, uint256 actualBytes);
    /// @notice Chunk and path do not lead to the batch's chunks root.
    error ChunkNotInBatch(bytes32 expectedRoot, bytes32 actualRoot);
    /// @notice The slot is the second half of an *open account*.
    error SlotIsSecondHalf(uint256 slotNumber);
    /// @notice The operation in the slot is not a withdrawal.
    error SlotNotWithdrawal(uint32 payer, uint32 payee, uint48 amountMinor);
    /// @notice Leaf and path do not lead to the state root after the chunk.
    error LeafNotInState(bytes32 expectedRoot, bytes32 actualRoot);
    /// @notice The leaf's nonce is below the count of the payer's operations from the slot on.
    error NonceBelowCount(uint256 minimum, uint256 actual);
    /// @notice This withdrawal was paid.
    error AlreadyClaimed(bytes32 key);
    /// @notice More would leave than came in and has not been claimed.
    error VaultShort(uint256 availableMinor, uint256 neededMinor);

    /* DEPOSITS */

    /// @notice Takes tokens from the sender and queues a deposit for `owner`.
    /// @dev The sender must have approved the rollup for `amount`. Reverts unless the asset is
    /// listed, `amount` is a whole number of minor units between 1 and 2^48 - 1, `owner` is not
    /// zero, the gate lets it in, and the vault's balance grows by exactly `amount`.
    /// @dev Warning: a deposit can't be called back, and only orders that `owner` signed, or
    /// authorised by `authorizeOrders`, move it: an owner who can do neither has lost it.
    /// @param amount Token base units.
    /// @param evidence What the deposit gate asks for; may be empty.
    function deposit(uint16 assetId, address owner, uint256 amount, bytes calldata evidence)
        external;

    /// @notice As `deposit`, with an ERC-2612 permit of the sender in place of an approval.
    /// @dev A permit that fails is passed over, since anybody may have sent it first: the allowance
    /// decides. So it also works for tokens without permits that were approved before.
    function depositWithPermit(
        uint16 assetId,
        address owner,
        uint256 amount,
        bytes calldata evidence,
        uint256 deadlineTsS,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice As `deposit`, with tokens of `authorization.from`, who signed the ERC-3009 message
    /// `ReceiveWithAuthorization` to this rollup for `amount`. Anyone may send it; the gate is
    /// shown `from` as the depositor.
    /// @dev The message's nonce is keccak256(abi.encode(keccak256("Deposit(uint16 assetId,address
    /// owner,bytes32 salt)"), assetId, owner, salt)), so nobody who sends it can credit another
    /// owner. `salt` is random, as ERC-3009 has nonces.
    /// @dev Warning: the evidence is not signed: who sends the deposit chooses it.
    function depositWithAuthorization(
        uint16 assetId,
        address owner,
        uint256 amount,
        bytes calldata evidence,
        Authorization calldata authorization
    ) external;

    /* ORDERS */

    /// @notice Authorises every order of the sender whose digest is a leaf under `root`: this is
    /// how a contract pays. A repeat changes nothing.
    /// @dev A node hashes its two children in ascending order; a root may be a single digest. It
    /// moves no tokens: the committee asks for it in place of a signature.
    /// @dev Warning: never withdrawn. An order ends by its `validUntil` or by another of its nonce.
    function authorizeOrders(bytes32 root) external;

    /* BATCHES */

    /// @notice Accepts the next batch, its chunks in calldata. Anyone may send a certified batch.
    /// @dev The sender must be the transaction's origin and have no code, so that the calldata is
    /// the transaction's own and everybody can read it.
    /// @dev Warning: at most 120 chunks: nodes refuse over 128 KiB.
    /// @param parent The batch before as it was accepted; not read for batch 1 (pass zeros).
    /// @param signatures Of 2f + 1 members over the header's hash: see `ICommittee.requireQuorum`.
    /// @param chunks 992 bytes each.
    function submitBatchCalldata(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures,
        bytes calldata chunks
    ) external;

    /// @notice Accepts the next batch, its chunks in the transaction's first blobs, 128 in each.
    /// @dev Conditions of the sender as in `submitBatchCalldata`. The contract can't read blobs:
    /// that the hashes are those of the blobs' chunks is what the validators check and sign.
    /// @param chunkHashes keccak-256 of each chunk, in order; 1 to 768 of them.
    function submitBatchBlobs(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures,
        bytes32[] calldata chunkHashes
    ) external;

    /// @notice Settles batches from `frontier() + 1` on, in order. Anyone may call.
    /// @dev Reverts if the window of one is still open, or a challenge of it.
    function settle(AcceptedBatch[] calldata batches) external;

    /// @notice Removes a batch and all after it, and begins the next epoch. Only the contracts that
    /// judge frauds; `prover` earns the reward, if not 0.
    function rollBack(AcceptedBatch calldata batch, address prover) external;

    /* FREEZE */

    /// @notice Freezes the rollup because an exit has waited for `exitDeadline`. Anyone may.
    /// @param batch The last batch, or one accepted after the deadline.
    /// @param account The account under its postRoot, with a balance of the exit's owner.
    function freezeForExit(AcceptedBatch calldata batch, LeafProof calldata account) external;

    /// @notice Freezes the rollup because a deposit has waited for `depositTimeout`. Anyone may.
    /// @param batch The last one (not read if there is none), or one accepted after the deadline.
    function freezeForDeposit(
        AcceptedBatch calldata batch,
        uint64 index,
        DepositRecord calldata record
    ) external;

    /// @notice Freezes the rollup because nothing came for `silenceDeadline`. Anyone may.
    /// @param last The last batch; not read if there is none.
    function freezeForSilence(AcceptedBatch calldata last) external;

    /// @notice After a freeze, pays accounts of the last settled batch to their owners. Anyone may.
    /// @dev Only once all accepted batches are settled. An account that was paid, or is empty, is
    /// passed over; so is one whose token refuses, and it can be tried again for ever.
    /// @param batch The last settled batch; `accounts` are under its postRoot.
    function escape(AcceptedBatch calldata batch, Multiproof calldata accounts) external;

    /// @notice After a freeze, pays back deposits that the last settled batch has not consumed, to
    /// their owners. Anyone may; conditions as for `escape`.
    /// @param batch The last settled batch; not read if there is none.
    /// @param records Of the deposits from `firstIndex` on.
    function refund(
        AcceptedBatch calldata batch,
        uint64 firstIndex,
        DepositRecord[] calldata records
    ) external;

    /* WITHDRAWALS */

    /// @notice Pays a withdrawal of a settled batch to its owner. Anyone may send it.
    /// @dev Settles the batch first if it is the next and its window has passed. Each withdrawal is
    /// paid once; a transfer that fails changes nothing and can be repeated for ever.
    /// @dev Warning: it pays the owner, or who advanced it, whoever sends the claim.
    function claimWithdrawal(AcceptedBatch calldata batch, WithdrawalProof calldata proof) external;

    /// @notice Makes `provider`, who advanced a withdrawal, its claimant. Only the exits contract;
    /// reverts if it was paid or advanced.
    function assignClaim(bytes32 key, address provider) external;

    /* LISTING */

    /// @notice Lists a token as the next asset, once and for ever. Only the lister.
    /// @dev The lister can't change or remove an asset and has no power over money.
    /// @param unit Token base units in one minor unit: 1 for six decimals, 10^12 for eighteen.
    /// @param feeOwner Who owns the asset's fee account in the ledger; 0 if it takes no fee.
    function listAsset(address token, uint64 unit, address feeOwner)
        external
        returns (uint16 assetId);

    /* VIEWS */

    /// @notice The word stored of a batch; reverts unless it was accepted and not removed.
    function requireStanding(AcceptedBatch calldata batch) external view returns (bytes32 slot);
    /// @notice The header's hash; reverts unless the batch stands and is not settled.
    function requireDisputable(AcceptedBatch calldata batch) external view returns (bytes32 hash);
    /// @notice A header's hash: its EIP-712 digest in this rollup's domain.
    function headerHash(BatchHeader calldata header) external view returns (bytes32);
}
