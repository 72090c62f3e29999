// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Batches} from "../libraries/Batches.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {KzgOpenings} from "../libraries/KzgOpenings.sol";
import {L1Blocks} from "../libraries/L1Blocks.sol";
import {Operations} from "../libraries/Operations.sol";
import {Orders} from "../libraries/Orders.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {Votes} from "../libraries/Votes.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title ProtocolHarness
/// @notice Opens every library function to the golden vectors. Digests take the domain separator as
/// an argument, since the vectors' rollup is deployed nowhere.
contract ProtocolHarness {
    /* OPERATIONS */

    function decodeOperation(bytes15 slot) external pure returns (Operations.Operation memory) {
        return Operations.decode(slot);
    }

    function encodeOperation(Operations.Operation calldata operation)
        external
        pure
        returns (bytes15)
    {
        return Operations.encode(operation);
    }

    function feeMinor(uint8 feeByte) external pure returns (uint256) {
        return Operations.feeMinor(feeByte);
    }

    function slotAt(bytes calldata chunk, uint256 position) external pure returns (bytes15) {
        return Operations.slotAt(chunk, position);
    }

    function postRoot(bytes calldata chunk) external pure returns (bytes32) {
        return Operations.postRoot(chunk);
    }

    function countFrom(bytes calldata chunk, uint256 position, uint32 payer)
        external
        pure
        returns (bool isOperation, uint64 count)
    {
        return Operations.countFrom(chunk, position, payer);
    }

    /* TREES */

    function leaf(address owner, uint16 assetId, uint64 nonce, uint64 balanceMinor)
        external
        pure
        returns (bytes32)
    {
        return StateTree.leaf(owner, assetId, nonce, balanceMinor);
    }

    function node(bytes32 left, bytes32 right) external pure returns (bytes32) {
        return StateTree.node(left, right);
    }

    function genesisRoot() external pure returns (bytes32) {
        return StateTree.genesisRoot();
    }

    function stateRootFrom(bytes32 leaf_, uint32 id, bytes32[32] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return StateTree.stateRoot(leaf_, id, siblings);
    }

    function chunksRootFrom(bytes32 chunkHash, uint256 index, bytes32[10] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return StateTree.chunksRoot(chunkHash, index, siblings);
    }

    function chunksRoot(bytes32[] calldata chunkHashes) external pure returns (bytes32) {
        return StateTree.chunksRoot(chunkHashes);
    }

    /* CARRIERS */

    function hashChunks(bytes calldata chunks)
        external
        pure
        returns (bytes32 dataHash, bytes32[] memory hashes)
    {
        return Chunks.hashes(chunks);
    }

    function blobCountFor(uint256 chunkCount) external pure returns (uint256) {
        return Blobs.countFor(chunkCount);
    }

    function blobDataHash(uint256 count) external view returns (bytes32 hash, uint256 present) {
        return Blobs.dataHash(count);
    }

    function isElement(
        bytes32 versionedHash,
        uint256 index,
        bytes32 value,
        bytes calldata commitment,
        bytes calldata proof
    ) external view returns (bool) {
        return KzgOpenings.isElement(versionedHash, index, value, commitment, proof);
    }

    function l1BlockHash(uint64 number) external view returns (bytes32) {
        return L1Blocks.hashOf(number);
    }

    /* RECORDS OF L1 */

    function batchSlot(bytes32 headerHash, uint64 acceptedTsS, uint256 signers)
        external
        pure
        returns (bytes32)
    {
        return Batches.slot(headerHash, acceptedTsS, signers);
    }

    function depositHash(
        bytes32 previous,
        address token,
        uint16 assetId,
        address owner,
        uint48 amountMinor,
        uint64 tsS
    ) external pure returns (bytes32) {
        return VaultRecords.depositHash(previous, token, assetId, owner, amountMinor, tsS);
    }

    function depositNonce(uint16 assetId, address owner, bytes32 salt)
        external
        pure
        returns (bytes32)
    {
        return VaultRecords.depositNonce(assetId, owner, salt);
    }

    function claimKey(address owner, uint64 nonce, address token, uint256 amount)
        external
        pure
        returns (bytes32)
    {
        return VaultRecords.claimKey(owner, nonce, token, amount);
    }

    /* THE VECTORS' ROLLUP, AS EXITS ASKS IT */

    function domainSeparator() external pure returns (bytes32) {
        return domainSeparator(31337, address(uint160(uint256(keccak256("rollup")))));
    }

    function assetIdOf(address) external pure returns (uint16) {
        return 1;
    }

    /* DIGESTS */

    function domainSeparator(uint256 chainId, address rollup) public pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("Causeway"),
                keccak256("1"),
                chainId,
                rollup
            )
        );
    }

    function headerDigest(bytes32 domain, IRollup.BatchHeader calldata header)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Batches.structHash(header));
    }

    function blockDigest(bytes32 domain, Votes.Block calldata block_)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Votes.blockHash(block_));
    }

    function nextRoundDigest(bytes32 domain, uint64 number, uint32 epoch, uint32 round)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Votes.nextRoundHash(number, epoch, round));
    }

    function timeoutDigest(bytes32 domain, uint64 number, uint32 epoch, uint32 round)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Votes.timeoutHash(number, epoch, round));
    }

    function proposalDigest(bytes32 domain, bytes32 blockHash) external pure returns (bytes32) {
        return _digest(domain, Votes.proposalHash(blockHash));
    }

    function seenDigest(bytes32 domain, uint64 l1BlockNumber, bytes32 l1BlockHash_)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Votes.seenHash(l1BlockNumber, l1BlockHash_));
    }

    function paymentOrderDigest(bytes32 domain, Orders.PaymentOrder calldata order)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Orders.structHash(order));
    }

    function withdrawalOrderDigest(bytes32 domain, Orders.WithdrawalOrder calldata order)
        external
        pure
        returns (bytes32)
    {
        return _digest(domain, Orders.structHash(order));
    }

    function groupLink(Orders.PaymentOrder[] calldata legs) external pure returns (bytes32) {
        return Orders.groupLink(legs);
    }

    function _digest(bytes32 domain, bytes32 structHash) private pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
