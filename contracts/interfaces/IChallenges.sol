// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Orders} from "../libraries/Orders.sol";
import {IRollup} from "./IRollup.sol";

/// @title Challenges: who authorised this operation?
/// @notice Signatures are not on L1. Whoever doubts that a payment or withdrawal of a batch was
/// authorised challenges it with a bond; anybody who has the order answers and earns the bond. What
/// nobody answers in time is fraud.
/// @dev docs/PROTOCOL.md, section 9, 5. Holds bonds only, in wei.
interface IChallenges {
    /// @notice The state of a challenge of one slot of one accepted batch.
    struct Challenge {
        uint64 openedTsS; // 0: there was none
        address challenger;
        bool isClosed; // answered, expired, or its bond was taken back
        uint64 batchNumber;
        bytes32 batchSlot; // the batch's stored word
        uint256 bondWei;
    }

    /// @notice An answer for one slot. A withdrawal by exit needs no order: leave `legs` empty.
    struct Answer {
        uint256 slotNumber; // chunk index * 64 + position; of the challenged leg
        /// The order, or all legs of its group in their order. A withdrawal is written as a payment
        /// to payee 0 with memo 0 and link 0.
        Orders.PaymentOrder[] legs;
        uint256 leg; // which of them was challenged
        bytes signature; // 65 bytes; empty if a root authorises the order
        bytes32 root;
        bytes32[] proof; // at most 32
    }

    /// @notice Somebody challenged a slot of a batch.
    event ChallengeOpened(
        uint64 indexed batchNumber,
        bytes32 indexed headerHash,
        uint256 slotNumber,
        address challenger,
        uint256 bondWei,
        uint64 deadlineTsS
    );
    /// @notice A challenge was answered; the bond is the answerer's.
    event ChallengeAnswered(
        uint64 indexed batchNumber, bytes32 indexed headerHash, uint256 slotNumber, address answerer
    );
    /// @notice A challenge was not answered in time: fraud.
    event ChallengeExpired(
        uint64 indexed batchNumber, bytes32 indexed headerHash, uint256 slotNumber
    );
    /// @notice The batch of an open challenge was removed: the bond is the challenger's again.
    event BondReleased(bytes32 indexed headerHash, uint256 slotNumber, address challenger);
    /// @notice Somebody drew what was credited to him.
    event BondWithdrawn(address indexed receiver, uint256 amountWei);

    /// @notice The time for challenges of this batch is over.
    error WindowClosed(uint256 closedTsS, uint256 actualTsS);
    /// @notice The bond is too small to pay for an answer.
    error BondTooSmall(uint256 minimumWei, uint256 actualWei);
    /// @notice The slot was challenged already.
    error ChallengedAlready(uint256 slotNumber);
    /// @notice The slot holds no payment or withdrawal.
    error SlotNotOrder(uint32 payer, uint32 payee, uint48 amountMinor);
    /// @notice There is no open challenge of this slot.
    error ChallengeNotOpen(uint256 slotNumber);
    /// @notice The time to answer is over.
    error AnswerTooLate(uint256 deadlineTsS, uint256 actualTsS);
    /// @notice The time to answer is not over.
    error AnswerWindowOpen(uint256 deadlineTsS, uint256 actualTsS);
    /// @notice The batch stands: its challenges are answered or expire.
    error BatchStands(uint64 batchNumber);
    /// @notice The order's field doesn't fit the operation in the slot.
    error OrderMismatch(uint256 slotNumber, bytes32 field);
    /// @notice Neither the payer's signature nor a root of his authorises the order.
    error NotAuthorised(address payer, bytes32 digest);
    /// @notice An authorisation has at most 32 nodes.
    error ProofTooLong(uint256 maximum, uint256 actual);
    /// @notice The exit doesn't authorise this withdrawal.
    error ExitNotAuthorising(uint32 accountId, address owner);
    /// @notice There is nothing to draw.
    error NothingOwed(address receiver);
    /// @notice The receiver refused the ether.
    error PaymentFailed(address receiver);

    /// @notice Challenges the authorisation of a payment or withdrawal. Costs a bond: at least
    /// `bond()`, which comes back if nobody answers or the batch is removed.
    function challenge(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint256 slotNumber
    ) external payable;

    /// @notice Answers challenges of slots of one chunk. Anyone may. Those that are closed already
    /// are passed over: nobody can spoil many answers by giving one of them first.
    /// @param accounts Payers and payees of the slots (of all legs of a linked order) under the
    /// chunk's root; BRIDGE need not be shown.
    function answer(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.Multiproof calldata accounts,
        Answer[] calldata answers
    ) external;

    /// @notice Ends a challenge that nobody answered in time: the batch is rolled back. Anyone may;
    /// the challenger is the prover and gets his bond back.
    function expire(IRollup.AcceptedBatch calldata batch, uint256 slotNumber) external;

    /// @notice Gives back the bond of an open challenge whose batch was removed. Anyone may.
    function releaseBond(bytes32 headerHash, uint256 slotNumber) external;

    /// @notice Pays what was credited to the sender.
    function withdrawBonds() external;

    /// @notice The least bond of a challenge in this transaction, in wei.
    /// @dev Nodes may take the base fee for 0 in a call that names no gas price.
    function bond() external view returns (uint256);
    /// @notice How many challenges of a batch are open. It can't settle while there are any.
    function openCount(bytes32 headerHash) external view returns (uint256);
    /// @notice The challenge of a slot.
    function challengeOf(bytes32 headerHash, uint256 slotNumber)
        external
        view
        returns (Challenge memory);
    /// @notice What somebody can draw, in wei.
    function owedWei(address receiver) external view returns (uint256);
    /// @notice The rollup.
    function rollup() external view returns (IRollup);
}
