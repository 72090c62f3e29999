// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Orders} from "../libraries/Orders.sol";
import {IRollup} from "./IRollup.sol";

/// @title Challenges: who authorised this operation?
/// @notice Signatures are not on L1. Whoever doubts that payments and withdrawals of a batch were
/// authorised challenges them with a bond, all that he doubts in a chunk at once; anybody who has
/// the orders answers, and is paid for it out of the bond. What nobody answers in time is fraud.
/// @dev docs/PROTOCOL.md, section 9, 5. Holds bonds only, in wei. Positions of a chunk are a mask:
/// bit p (1 << p) is position p. A challenge goes by the slot number of its lowest position.
interface IChallenges {
    /// @notice The state of a challenge of slots of one chunk.
    struct Challenge {
        address challenger;
        uint96 bondWei; // what is left of it
        uint64 openedTsS; // 0: there was none
        uint64 openPositions; // not answered yet; 0 once it is closed
        uint64 paidPositions; // of all legs that answers have shown
        uint64 batchNumber;
        bytes32 batchSlot; // the batch's stored word
    }

    /// @notice What authorises an order.
    struct Authorisation {
        bytes signature; // 65 bytes; empty if a root authorises the order
        bytes32 root;
        bytes32[] proof; // at most 32
    }

    /// @notice A record that was executed: an order, or a group. A withdrawal by exit needs no
    /// order: leave both lists empty.
    struct Answer {
        uint256 slotNumber; // of its first leg; chunk index * 64 + position
        /// The order, or all legs of the group in their order. A withdrawal is written as a payment
        /// to payee 0 with memo 0 and link 0.
        Orders.PaymentOrder[] legs;
        Authorisation[] authorisations; // one of each leg
    }

    /// @notice Somebody challenged slots of a chunk.
    event ChallengeOpened(
        uint64 indexed batchNumber,
        bytes32 indexed headerHash,
        uint256 slotNumber,
        uint64 positions,
        address challenger,
        uint256 bondWei,
        uint64 deadlineTsS
    );
    /// @notice Slots of a challenge were answered. If none is open any more it is closed, and what
    /// is left of the bond is the challenger's.
    event ChallengeAnswered(
        uint64 indexed batchNumber,
        bytes32 indexed headerHash,
        uint256 slotNumber,
        uint64 openPositions,
        address answerer,
        uint256 payWei
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
    /// @notice A challenge names at least one position.
    error NothingChallenged();
    /// @notice The bond is too small to pay for the answers.
    error BondTooSmall(uint256 minimumWei, uint256 actualWei);
    /// @notice All these slots were challenged already; this is the lowest.
    error ChallengedAlready(uint256 slotNumber);
    /// @notice The slot holds no payment or withdrawal.
    error SlotNotOrder(uint32 payer, uint32 payee, uint48 amountMinor);
    /// @notice There is no open challenge that goes by this slot.
    error ChallengeNotOpen(uint256 slotNumber);
    /// @notice None of the slots shown is open in this challenge.
    error NothingAnswered(uint256 slotNumber);
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

    /// @notice Challenges the authorisation of payments and withdrawals of one chunk. Costs a bond,
    /// at least `bond(count of positions)`, of which comes back what no answer earns. Those that
    /// were challenged before are left out: nobody can shield others by challenging one first.
    function challenge(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint64 positions
    ) external payable;

    /// @notice Answers slots of a challenge. Anyone may. Records of which no slot is open any more
    /// are passed over: nobody can spoil many answers by giving one of them first.
    /// @param accounts Payers and payees of the slots (of all legs of a group) under the chunk's
    /// root; BRIDGE need not be shown.
    /// @param slotNumber The one the challenge goes by.
    function answer(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.Multiproof calldata accounts,
        uint256 slotNumber,
        Answer[] calldata answers
    ) external;

    /// @notice Ends a challenge that nobody answered in time: the batch is rolled back. Anyone may;
    /// the challenger is the prover and gets back what is left of his bond.
    function expire(IRollup.AcceptedBatch calldata batch, uint256 slotNumber) external;

    /// @notice Gives back what is left of the bond of an open challenge whose batch was removed.
    /// Anyone may.
    function releaseBond(bytes32 headerHash, uint256 slotNumber) external;

    /// @notice Pays what was credited to the sender.
    function withdrawBonds() external;

    /// @notice The least bond of a challenge of so many positions in this transaction, in wei.
    /// @dev Nodes may take the base fee for 0 in a call that names no gas price.
    function bond(uint256 positionCount) external view returns (uint256);
    /// @notice How many challenges of a batch are open. It can't settle while there are any.
    function openCount(bytes32 headerHash) external view returns (uint256);
    /// @notice The challenge that goes by a slot.
    function challengeOf(bytes32 headerHash, uint256 slotNumber)
        external
        view
        returns (Challenge memory);
    /// @notice What somebody can draw, in wei.
    function owedWei(address receiver) external view returns (uint256);
    /// @notice The rollup.
    function rollup() external view returns (IRollup);
}
