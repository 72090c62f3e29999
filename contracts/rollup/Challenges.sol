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

    /// @dev What the dearest answer may take, a group of eight, and how many times that is bonded:
    /// the base fee may rise before the answer.
    uint256 private constant ANSWER_GAS = 1_300_000;
    uint256 private constant BOND_FACTOR = 4;
    uint256 private constant PROOF_NODES_MAX = 32;

    /// @inheritdoc IChallenges
    IRollup public immutable rollup;

    /// @inheritdoc IChallenges
    mapping(bytes32 headerHash => uint256) public openCount;
    /// @inheritdoc IChallenges
    mapping(address receiver => uint256) public owedWei;

    mapping(bytes32 headerHash => mapping(uint256 slotNumber => Challenge)) private _challenges;

    constructor(IRollup rollup_) {
        rollup = rollup_;
    }

    /// @inheritdoc IChallenges
    function challenge(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint256 slotNumber
    ) external payable {
        bytes32 headerHash = rollup.requireDisputable(batch);
        uint256 closedTsS = uint256(batch.acceptedTsS) + rollup.challengeWindow();
        if (block.timestamp >= closedTsS) revert WindowClosed(closedTsS, block.timestamp);
        uint256 minimumWei = bond();
        if (msg.value < minimumWei) revert BondTooSmall(minimumWei, msg.value);
        if (_challenges[headerHash][slotNumber].openedTsS != 0) {
            revert ChallengedAlready(slotNumber);
        }
        batch.header.requireInBatch(chunk);
        _requireSlotOf(chunk, slotNumber);
        // slither-disable-next-line unused-return: it reverts, the order is not asked
        OrderFitting.orderedAt(chunk.chunk, slotNumber);

        _challenges[headerHash][slotNumber] = Challenge({
            openedTsS: uint64(block.timestamp),
            challenger: msg.sender,
            isClosed: false,
            batchNumber: batch.header.number,
            batchSlot: Batches.slot(headerHash, batch.acceptedTsS, batch.signers),
            bondWei: msg.value
        });
        ++openCount[headerHash];
        emit ChallengeOpened(
            batch.header.number,
            headerHash,
            slotNumber,
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
        Answer[] calldata answers
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        batch.header.requireInBatch(chunk);
        OrderFitting.Scene memory scene =
            OrderFitting.Scene(rollup, batch.header.timestamp, accounts.leaves);
        scene.leaves.requireRoot(accounts.siblings, chunk.chunk.postRoot());

        for (uint256 i = 0; i < answers.length; ++i) {
            uint256 slotNumber = answers[i].slotNumber;
            Challenge storage challenged = _challenges[headerHash][slotNumber];
            if (challenged.openedTsS == 0) revert ChallengeNotOpen(slotNumber);
            if (challenged.isClosed) continue;
            uint256 deadlineTsS = _deadline(challenged);
            if (block.timestamp >= deadlineTsS) {
                revert AnswerTooLate(deadlineTsS, block.timestamp);
            }
            _requireSlotOf(chunk, slotNumber);
            _requireAnswer(scene, chunk.chunk, answers[i]);

            _close(challenged, headerHash, msg.sender);
            emit ChallengeAnswered(batch.header.number, headerHash, slotNumber, msg.sender);
        }
    }

    /// @inheritdoc IChallenges
    function expire(IRollup.AcceptedBatch calldata batch, uint256 slotNumber) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        Challenge storage challenged = _requireOpen(headerHash, slotNumber);
        uint256 deadlineTsS = _deadline(challenged);
        if (block.timestamp < deadlineTsS) revert AnswerWindowOpen(deadlineTsS, block.timestamp);

        address challenger = challenged.challenger;
        _close(challenged, headerHash, challenger);
        emit ChallengeExpired(batch.header.number, headerHash, slotNumber);
        rollup.rollBack(batch, challenger);
    }

    /// @inheritdoc IChallenges
    function releaseBond(bytes32 headerHash, uint256 slotNumber) external {
        Challenge storage challenged = _requireOpen(headerHash, slotNumber);
        uint64 number = challenged.batchNumber;
        bool stands = number <= rollup.tip() && rollup.batchSlot(number) == challenged.batchSlot;
        if (stands) revert BatchStands(number);

        address challenger = challenged.challenger;
        _close(challenged, headerHash, challenger);
        emit BondReleased(headerHash, slotNumber, challenger);
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
    function bond() public view returns (uint256) {
        return BOND_FACTOR * ANSWER_GAS * Math.max(block.basefee, rollup.gasPriceFloor());
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

    /// @dev Ends a challenge: its bond is the receiver's.
    function _close(Challenge storage challenged, bytes32 headerHash, address receiver) private {
        challenged.isClosed = true;
        --openCount[headerHash];
        owedWei[receiver] += challenged.bondWei;
    }

    /// @dev Reverts unless the answer shows who authorised the operation.
    function _requireAnswer(
        OrderFitting.Scene memory scene,
        bytes calldata chunk,
        Answer calldata given
    ) private view {
        if (given.legs.length == 0) {
            return _requireSweep(scene, chunk, given.slotNumber);
        }

        scene.requireFit(chunk, given);
        Orders.PaymentOrder calldata order = given.legs[given.leg];
        bytes32 digest = MessageHashUtils.toTypedDataHash(
            rollup.domainSeparator(),
            order.payee == address(0) ? Orders.withdrawalHash(order) : Orders.structHash(order)
        );
        if (!_isAuthorised(order.payer, digest, given)) revert NotAuthorised(order.payer, digest);
    }

    function _isAuthorised(address payer, bytes32 digest, Answer calldata given)
        private
        view
        returns (bool)
    {
        if (given.signature.length > 0) {
            // slither-disable-next-line unused-return: the third only explains the failure
            (address signer, ECDSA.RecoverError failure,) =
                ECDSA.tryRecoverCalldata(digest, given.signature);
            return failure == ECDSA.RecoverError.NoError && signer == payer;
        }
        if (given.proof.length > PROOF_NODES_MAX) {
            revert ProofTooLong(PROOF_NODES_MAX, given.proof.length);
        }
        return MerkleProof.verifyCalldata(given.proof, given.root, digest)
            && rollup.isAuthorised(payer, given.root);
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
        if (challenged.openedTsS == 0 || challenged.isClosed) revert ChallengeNotOpen(slotNumber);
    }

    function _deadline(Challenge storage challenged) private view returns (uint256) {
        return uint256(challenged.openedTsS) + rollup.answerWindow();
    }

    function _requireSlotOf(IRollup.ChunkProof calldata chunk, uint256 slotNumber) private pure {
        uint256 index = slotNumber / Operations.CHUNK_SLOTS;
        if (index != chunk.index) revert IDisputes.ChunkIndexMismatch(index, chunk.index);
    }
}
