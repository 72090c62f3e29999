// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Batches} from "../libraries/Batches.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Multiproofs} from "../libraries/Multiproofs.sol";
import {Operations} from "../libraries/Operations.sol";
import {OrderFitting} from "../libraries/OrderFitting.sol";
import {Orders} from "../libraries/Orders.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Challenges: who authorised this operation?
/// @notice Nobody has any power here: anyone challenges, anyone answers.
contract Challenges is IChallenges {
    using Chunks for IRollup.BatchHeader;
    using Multiproofs for IRollup.Leaf[];
    using Operations for bytes;
    using OrderFitting for OrderFitting.Scene;

    /// @dev What an answer earns, in gas: a fixed sum for each leg and each node of a proof that it
    /// shows, each position once, and once for each challenge. Above what it uses; nobody gains by
    /// a longer calldata, nor by groups that have legs in common: payers can sign any number.
    uint256 private constant FIRST_ANSWER_GAS = 110_000;
    uint256 private constant LEG_GAS = 97_000;
    uint256 private constant NODE_GAS = 1_100;
    /// @dev How many times the dearest answers are bonded: the base fee may rise before them.
    uint256 private constant BOND_FACTOR = 2;
    uint256 private constant PROOF_NODES_MAX = 32;

    /// @inheritdoc IChallenges
    IRollup public immutable rollup;

    /// @inheritdoc IChallenges
    mapping(bytes32 headerHash => uint256) public openCount;
    /// @inheritdoc IChallenges
    mapping(address receiver => uint256) public owedWei;

    mapping(bytes32 headerHash => mapping(uint256 slotNumber => Challenge)) private _challenges;
    /// @dev All positions of a chunk that were ever challenged.
    mapping(bytes32 headerHash => mapping(uint256 chunkIndex => uint64)) private _everChallenged;

    constructor(IRollup rollup_) {
        rollup = rollup_;
    }

    /// @inheritdoc IChallenges
    function challenge(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint64 positions
    ) external payable {
        bytes32 headerHash = rollup.requireDisputable(batch);
        uint256 closedTsS = uint256(batch.acceptedTsS) + rollup.challengeWindow();
        if (block.timestamp >= closedTsS) revert WindowClosed(closedTsS, block.timestamp);
        batch.header.requireInBatch(chunk);
        if (positions == 0) revert NothingChallenged();
        uint256 firstSlot = chunk.index * Operations.CHUNK_SLOTS;
        uint64 before = _everChallenged[headerHash][chunk.index];
        uint64 opened = positions & ~before;
        if (opened == 0) revert ChallengedAlready(firstSlot + _lowest(positions));
        uint256 minimumWei = bond(OrderFitting.requireOrders(chunk.chunk, firstSlot, opened));
        if (msg.value < minimumWei) revert BondTooSmall(minimumWei, msg.value);

        _everChallenged[headerHash][chunk.index] = before | opened;
        uint256 slotNumber = firstSlot + _lowest(opened);
        _challenges[headerHash][slotNumber] = Challenge({
            challenger: msg.sender,
            bondWei: uint96(msg.value), // there is less ether
            openedTsS: uint64(block.timestamp),
            openPositions: opened,
            paidPositions: 0,
            batchNumber: batch.header.number,
            batchSlot: Batches.slot(headerHash, batch.acceptedTsS, batch.signers)
        });
        ++openCount[headerHash];
        emit ChallengeOpened(
            batch.header.number,
            headerHash,
            slotNumber,
            opened,
            msg.sender,
            msg.value,
            uint64(block.timestamp) + rollup.answerWindow()
        );
    }

    /// @inheritdoc IChallenges
    function answer(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.Multiproof calldata accounts,
        uint256 slotNumber,
        Answer[] calldata answers
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        Challenge storage challenged = _requireOpen(headerHash, slotNumber);
        uint256 deadlineTsS = _deadline(challenged);
        if (block.timestamp >= deadlineTsS) revert AnswerTooLate(deadlineTsS, block.timestamp);
        _requireSlotOf(chunk, slotNumber);
        batch.header.requireInBatch(chunk);
        OrderFitting.Scene memory scene =
            OrderFitting.Scene(rollup, batch.header.timestamp, accounts.leaves);
        scene.leaves.requireRoot(accounts.siblings, chunk.chunk.postRoot());

        uint64 open = challenged.openPositions;
        uint64 paid = challenged.paidPositions;
        uint256 payGas = paid == 0 ? FIRST_ANSWER_GAS : 0;
        for (uint256 i = 0; i < answers.length; ++i) {
            _requireSlotOf(chunk, answers[i].slotNumber);
            uint64 shown = OrderFitting.positions(answers[i]);
            if (open & shown == 0) continue;
            open &= ~shown;
            payGas += _requireAnswer(scene, chunk.chunk, answers[i], paid);
            paid |= shown;
        }
        if (open == challenged.openPositions) revert NothingAnswered(slotNumber);

        uint256 payWei = Math.min(payGas * _gasPrice(), challenged.bondWei);
        challenged.openPositions = open;
        challenged.paidPositions = paid;
        challenged.bondWei -= uint96(payWei);
        owedWei[msg.sender] += payWei;
        if (open == 0) _close(challenged, headerHash);
        emit ChallengeAnswered(
            batch.header.number, headerHash, slotNumber, open, msg.sender, payWei
        );
    }

    /// @inheritdoc IChallenges
    function expire(IRollup.AcceptedBatch calldata batch, uint256 slotNumber) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        Challenge storage challenged = _requireOpen(headerHash, slotNumber);
        uint256 deadlineTsS = _deadline(challenged);
        if (block.timestamp < deadlineTsS) revert AnswerWindowOpen(deadlineTsS, block.timestamp);

        _close(challenged, headerHash);
        emit ChallengeExpired(batch.header.number, headerHash, slotNumber);
        rollup.rollBack(batch, challenged.challenger);
    }

    /// @inheritdoc IChallenges
    function releaseBond(bytes32 headerHash, uint256 slotNumber) external {
        Challenge storage challenged = _requireOpen(headerHash, slotNumber);
        uint64 number = challenged.batchNumber;
        bool stands = number <= rollup.tip() && rollup.batchSlot(number) == challenged.batchSlot;
        if (stands) revert BatchStands(number);

        _close(challenged, headerHash);
        emit BondReleased(headerHash, slotNumber, challenged.challenger);
    }

    /// @inheritdoc IChallenges
    function withdrawBonds() external {
        uint256 amountWei = owedWei[msg.sender];
        if (amountWei == 0) revert NothingOwed(msg.sender);

        owedWei[msg.sender] = 0;
        emit BondWithdrawn(msg.sender, amountWei);
        (bool isPaid,) = msg.sender.call{value: amountWei}("");
        if (!isPaid) revert PaymentFailed(msg.sender);
    }

    /* VIEWS */

    /// @inheritdoc IChallenges
    function bond(uint256 positionCount) public view returns (uint256) {
        uint256 groups =
            Math.min(positionCount, Operations.CHUNK_SLOTS / OrderFitting.GROUP_LEGS_MAX);
        uint256 legs = groups * OrderFitting.GROUP_LEGS_MAX;
        uint256 dearestGas = FIRST_ANSWER_GAS + legs * (LEG_GAS + PROOF_NODES_MAX * NODE_GAS);
        return BOND_FACTOR * dearestGas * _gasPrice();
    }

    /// @inheritdoc IChallenges
    function challengeOf(bytes32 headerHash, uint256 slotNumber)
        external
        view
        returns (Challenge memory)
    {
        return _challenges[headerHash][slotNumber];
    }

    /* INTERNAL */

    /// @dev Ends a challenge: what is left of its bond is the challenger's.
    function _close(Challenge storage challenged, bytes32 headerHash) private {
        owedWei[challenged.challenger] += challenged.bondWei;
        challenged.openPositions = 0;
        challenged.bondWei = 0;
        --openCount[headerHash];
    }

    /// @dev Reverts unless the answer shows who authorised the operation, or each of the group's;
    /// returns what it earns, in gas: nothing for legs at positions that were `paid` before.
    function _requireAnswer(
        OrderFitting.Scene memory scene,
        bytes calldata chunk,
        Answer calldata given,
        uint64 paid
    ) private view returns (uint256 payGas) {
        if (given.legs.length == 0) {
            _requireSweep(scene, chunk, given.slotNumber);
            return LEG_GAS;
        }

        scene.requireFit(chunk, given);
        bytes32 domainSeparator = rollup.domainSeparator();
        uint256 first = given.slotNumber % Operations.CHUNK_SLOTS;
        for (uint256 i = 0; i < given.legs.length; ++i) {
            Orders.PaymentOrder calldata order = given.legs[i];
            bytes32 digest = MessageHashUtils.toTypedDataHash(
                domainSeparator,
                order.payee == address(0) ? Orders.withdrawalHash(order) : Orders.structHash(order)
            );
            uint256 nodes = _requireAuthorised(order.payer, digest, given.authorisations[i]);
            if ((paid >> (first + i)) & 1 == 0) payGas += LEG_GAS + nodes * NODE_GAS;
        }
    }

    /// @dev Returns how many nodes of a proof it takes.
    function _requireAuthorised(address payer, bytes32 digest, Authorisation calldata given)
        private
        view
        returns (uint256 nodeCount)
    {
        bool isAuthorised;
        if (given.signature.length > 0) {
            // slither-disable-next-line unused-return: the third only explains the failure
            (address signer, ECDSA.RecoverError failure,) =
                ECDSA.tryRecoverCalldata(digest, given.signature);
            isAuthorised = failure == ECDSA.RecoverError.NoError && signer == payer;
        } else {
            nodeCount = given.proof.length;
            if (nodeCount > PROOF_NODES_MAX) revert ProofTooLong(PROOF_NODES_MAX, nodeCount);
            isAuthorised = MerkleProof.verifyCalldata(given.proof, given.root, digest)
                && rollup.isAuthorised(payer, given.root);
        }
        if (!isAuthorised) revert NotAuthorised(payer, digest);
    }

    /// @dev A withdrawal by exit needs no order, if it is all that its payer does in the chunk and
    /// takes all that one operation can.
    function _requireSweep(
        OrderFitting.Scene memory scene,
        bytes calldata chunk,
        uint256 slotNumber
    ) private view {
        // slither-disable-next-line unused-return: it counts from the slot on
        (Operations.Operation memory operation,) = OrderFitting.orderedAt(chunk, slotNumber);
        // slither-disable-next-line unused-return: slot 0 is an operation always
        (, uint64 count) = chunk.countFrom(0, operation.payer);
        IRollup.Leaf memory payer = scene.leaves.find(operation.payer);
        bool isSweep = operation.payee == Operations.BRIDGE && operation.feeByte == 0 && count == 1
            && (operation.amountMinor == type(uint48).max || payer.balanceMinor == 0);
        if (!isSweep || !rollup.exits().authorises(operation.payer, payer.owner, scene.timestamp)) {
            revert ExitNotAuthorising(operation.payer, payer.owner);
        }
    }

    function _requireOpen(bytes32 headerHash, uint256 slotNumber)
        private
        view
        returns (Challenge storage challenged)
    {
        challenged = _challenges[headerHash][slotNumber];
        if (challenged.openPositions == 0) revert ChallengeNotOpen(slotNumber);
    }

    function _deadline(Challenge storage challenged) private view returns (uint256) {
        return uint256(challenged.openedTsS) + rollup.answerWindow();
    }

    function _gasPrice() private view returns (uint256) {
        return Math.max(block.basefee, rollup.gasPriceFloor());
    }

    function _lowest(uint64 positions) private pure returns (uint256) {
        return Math.log2(positions & (~positions + 1));
    }

    function _requireSlotOf(IRollup.ChunkProof calldata chunk, uint256 slotNumber) private pure {
        uint256 index = slotNumber / Operations.CHUNK_SLOTS;
        if (index != chunk.index) revert IDisputes.ChunkIndexMismatch(index, chunk.index);
    }
}
