// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {StateTree} from "../../contracts/libraries/StateTree.sol";
import {Rollup} from "../../contracts/rollup/Rollup.sol";
import {Core} from "./Core.sol";
import {Trees} from "./Trees.sol";
import {vm} from "./Vm.sol";

/// @notice The operator's book: the ledger after each batch, and proofs of it. Three owners hold
/// two assets. A batch may be a lie.
abstract contract RollupBook {
    struct State {
        uint64 cursor;
        uint64[6] nonces;
        uint64[6] balancesMinor;
    }

    struct Posted {
        IRollup.AcceptedBatch batch;
        bytes chunk;
        State state; // after it
        bool isLie;
    }

    struct Withdrawal {
        uint256 batch;
        uint256 position;
        uint256 account;
        uint64 nonce; // before it
        uint48 amountMinor;
    }

    uint256 internal constant OWNER_COUNT = 3;
    uint256 internal constant ACCOUNT_COUNT = 6;
    uint32 private constant FIRST_ID = 2;
    uint256 private constant FIRST_OWNER_KEY = 100;
    uint256 private constant SLOTS_SIZE_BYTES = 960;

    Rollup public immutable rollup;

    Posted[] internal _posted; // by number; genesis is empty
    Withdrawal[] internal _withdrawals; // of batches that stand
    IRollup.DepositRecord[] internal _records;

    constructor(Rollup rollup_) {
        rollup = rollup_;
        _posted.push();
    }

    function owner(uint256 account) public pure returns (address) {
        return vm.addr(_ownerKey(account));
    }

    /* INTERNAL */

    function _ownerKey(uint256 account) internal pure returns (uint256) {
        return FIRST_OWNER_KEY + account % OWNER_COUNT;
    }

    function _assetId(uint256 account) internal pure returns (uint16) {
        return uint16(1 + account / OWNER_COUNT);
    }

    function _id(uint256 account) internal pure returns (uint32) {
        return FIRST_ID + uint32(account);
    }

    function _last() internal view returns (Posted storage) {
        return _posted[_posted.length - 1];
    }

    /// @dev Posts a batch of one chunk; `slots` are less than 64.
    function _submit(bytes memory slots, State memory state, bool isLie) internal {
        bytes32 root = Trees.root(_tree(state));
        bytes memory chunk = bytes.concat(slots, new bytes(SLOTS_SIZE_BYTES - slots.length), root);
        vm.roll(block.number + 1);
        IRollup.BatchHeader memory header = _header(chunk, root, state.cursor);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(Core.MEMBER_KEY, rollup.headerHash(header));

        vm.prank(owner(0), owner(0));
        rollup.submitBatchCalldata(header, _last().batch, abi.encodePacked(r, s, v), chunk);
        Posted storage posted = _posted.push();
        posted.batch = IRollup.AcceptedBatch(header, uint64(block.timestamp), 1);
        posted.chunk = chunk;
        posted.state = state;
        posted.isLie = isLie;
    }

    /// @dev Forgets the batches from `number` on.
    function _forget(uint256 number) internal {
        while (_posted.length > number) _posted.pop();
        while (_withdrawals.length != 0 && _withdrawals[_withdrawals.length - 1].batch >= number) {
            _withdrawals.pop();
        }
    }

    function _tree(State memory state) internal pure returns (Trees.Tree memory tree) {
        tree.leaves = new IRollup.Leaf[](1 + ACCOUNT_COUNT);
        tree.isShown = new bool[](1 + ACCOUNT_COUNT);
        tree.leaves[0] = IRollup.Leaf(0, StateTree.BRIDGE_OWNER, 0, state.cursor, 0);
        for (uint256 i = 0; i < ACCOUNT_COUNT; ++i) {
            tree.leaves[1 + i] = IRollup.Leaf(
                _id(i), owner(i), _assetId(i), state.nonces[i], state.balancesMinor[i]
            );
        }
    }

    function _leafProof(State memory state, uint256 account)
        internal
        pure
        returns (IRollup.LeafProof memory)
    {
        return IRollup.LeafProof({
            accountId: _id(account),
            owner: owner(account),
            assetId: _assetId(account),
            nonce: state.nonces[account],
            balanceMinor: state.balancesMinor[account],
            path: Trees.path(_tree(state), _id(account))
        });
    }

    function _claimProof(Withdrawal memory withdrawal)
        internal
        view
        returns (IRollup.WithdrawalProof memory proof)
    {
        Posted memory posted = _posted[withdrawal.batch];
        IRollup.LeafProof memory leaf = _leafProof(posted.state, withdrawal.account);
        proof.slotNumber = withdrawal.position;
        proof.chunk = posted.chunk;
        proof.owner = leaf.owner;
        proof.assetId = leaf.assetId;
        proof.nonce = leaf.nonce;
        proof.balanceMinor = leaf.balanceMinor;
        proof.leafPath = leaf.path;
    }

    function _header(bytes memory chunk, bytes32 root, uint64 cursor)
        private
        view
        returns (IRollup.BatchHeader memory)
    {
        uint64 number = uint64(_posted.length);
        IRollup.BatchHeader memory parent = _last().batch.header;
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = keccak256(chunk);
        return IRollup.BatchHeader({
            number: number,
            epoch: rollup.committee().epoch(),
            parentHash: number == 1 ? bytes32(0) : rollup.headerHash(parent),
            preRoot: number == 1 ? rollup.genesisRoot() : parent.postRoot,
            postRoot: root,
            chunksRoot: StateTree.chunksRoot(hashes),
            chunkCount: 1,
            dataHash: keccak256(chunk),
            depositCursor: cursor,
            l1BlockNumber: uint64(block.number - 1),
            l1BlockHash: blockhash(block.number - 1),
            lastBlockNumber: number,
            lastBlockHash: keccak256(abi.encode(number)),
            timestamp: uint64(block.timestamp)
        });
    }
}
