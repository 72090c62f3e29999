// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Votes: EIP-712 struct hashes of what validators sign besides batch headers
/// @notice For contracts that check a certificate; docs/PROTOCOL.md, sections 5 and 6.
library Votes {
    bytes32 internal constant BLOCK_TYPEHASH = keccak256(
        "Block(uint64 number,uint32 epoch,uint32 round,bytes32 parentHash,"
        "bytes32 operationsHash,bytes32 bodyHash,uint32 operationCount,uint64 timestampMs)"
    );
    bytes32 internal constant NEXT_ROUND_TYPEHASH =
        keccak256("NextRound(uint64 number,uint32 epoch,uint32 round)");
    bytes32 internal constant TIMEOUT_TYPEHASH =
        keccak256("Timeout(uint64 number,uint32 epoch,uint32 round)");
    bytes32 internal constant PROPOSAL_TYPEHASH = keccak256("Proposal(bytes32 blockHash)");
    bytes32 internal constant SEEN_TYPEHASH =
        keccak256("Seen(uint64 l1BlockNumber,bytes32 l1BlockHash)");

    struct Block {
        uint64 number;
        uint32 epoch;
        uint32 round;
        bytes32 parentHash;
        bytes32 operationsHash;
        bytes32 bodyHash;
        uint32 operationCount;
        uint64 timestampMs;
    }

    function blockHash(Block memory block_) internal pure returns (bytes32) {
        return keccak256(abi.encode(BLOCK_TYPEHASH, block_));
    }

    function nextRoundHash(uint64 number, uint32 epoch, uint32 round)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(NEXT_ROUND_TYPEHASH, number, epoch, round));
    }

    function timeoutHash(uint64 number, uint32 epoch, uint32 round)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TIMEOUT_TYPEHASH, number, epoch, round));
    }

    function proposalHash(bytes32 blockHash_) internal pure returns (bytes32) {
        return keccak256(abi.encode(PROPOSAL_TYPEHASH, blockHash_));
    }

    function seenHash(uint64 l1BlockNumber, bytes32 l1BlockHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEEN_TYPEHASH, l1BlockNumber, l1BlockHash));
    }
}
