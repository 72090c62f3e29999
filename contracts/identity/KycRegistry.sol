// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDepositGate} from "../interfaces/IDepositGate.sol";
import {IKycRegistry} from "../interfaces/IKycRegistry.sol";
import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title KycRegistry
/// @notice Keeps what attestors say of people, and is the deposit gate that asks for it.
/// @dev All powers over this registry:
/// - DEFAULT_ADMIN_ROLE appoints and dismisses admins, guardians and attestors, ends the trust in
///   what an attestor recorded, and sets the level that deposits need.
/// - An attestor attests and revokes anybody.
/// - GUARDIAN_ROLE closes and reopens deposits and caps single ones; it can touch nothing else.
///
/// All of them together can keep money out of the rollup. None can hold back a withdrawal: the
/// rollup calls this contract for deposits only.
contract KycRegistry is EIP712, AccessControl, IKycRegistry {
    /// @inheritdoc IKycRegistry
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("Attestation(address person,uint8 level,uint64 expiry,uint64 issued)");
    uint64 private constant SERVING = type(uint64).max;
    uint256 private constant ADDRESS_SIZE_BYTES = 20;
    uint256 private constant ECDSA_SIZE_BYTES = 65;

    /// @inheritdoc IKycRegistry
    uint8 public levelNeeded;
    /// @inheritdoc IKycRegistry
    bool public isClosed;
    /// @inheritdoc IKycRegistry
    mapping(uint16 assetId => uint64) public depositCapMinor;
    /// @inheritdoc IKycRegistry
    mapping(address attestor => uint64) public trustedUntil;

    mapping(address person => Status) private _statuses;

    /// @param admin The first holder of DEFAULT_ADMIN_ROLE.
    /// @param levelNeeded_ The level that a deposit's owner needs, from 1.
    constructor(address admin, uint8 levelNeeded_) EIP712("Causeway KYC", "1") {
        if (admin == address(0)) revert AdminIsZero();

        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _setLevelNeeded(levelNeeded_);
    }

    /* ATTESTATIONS */

    /// @inheritdoc IKycRegistry
    function attest(Attestation calldata attestation, bytes calldata signature) external {
        _record(attestation, signature);
    }

    /// @inheritdoc IKycRegistry
    function revoke(address person) external {
        _checkAttestor(msg.sender);
        uint64 revokedAt = uint64(block.timestamp);

        _statuses[person].revokedAt = revokedAt;
        emit PersonRevoked(person, msg.sender, revokedAt);
    }

    /* DEPOSITS */

    /// @inheritdoc IDepositGate
    /// @dev Open to any caller: it counts nothing, and what it records anyone may record.
    ///
    /// The depositor is not checked: who wants to hide where money comes from sends the token to
    /// the owner first. The owner answers for what he brings in.
    function requireDeposit(
        address, /* depositor */
        address owner,
        uint16 assetId,
        uint256 amountMinor,
        bytes calldata evidence
    ) external {
        if (isClosed) revert DepositsClosed();
        uint64 capMinor = depositCapMinor[assetId];
        if (capMinor != 0 && amountMinor > capMinor) {
            revert DepositCapExceeded(assetId, capMinor, amountMinor);
        }

        if (evidence.length > 0) _recordEvidence(owner, evidence);
        _requireLevel(owner);
    }

    /* ADMINISTRATION */

    /// @inheritdoc IKycRegistry
    function appointAttestor(address attestor) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (trustedUntil[attestor] != 0) revert AttestorAppointedBefore(attestor);

        trustedUntil[attestor] = SERVING;
        emit AttestorAppointed(attestor);
    }

    /// @inheritdoc IKycRegistry
    function dismissAttestor(address attestor, uint64 trustedUntil_)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        uint64 before = trustedUntil[attestor];
        if (before == 0) revert NotAttestor(attestor);
        // 0 would look like somebody who was never appointed, and could be.
        uint64 latest = uint64(Math.min(block.timestamp, before - 1));
        if (trustedUntil_ == 0 || trustedUntil_ > latest) {
            revert TrustEndOutOfRange(1, latest, trustedUntil_);
        }

        trustedUntil[attestor] = trustedUntil_;
        emit AttestorDismissed(attestor, trustedUntil_);
    }

    /// @inheritdoc IKycRegistry
    function setLevelNeeded(uint8 level) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setLevelNeeded(level);
    }

    /// @inheritdoc IKycRegistry
    function closeDeposits() external onlyRole(GUARDIAN_ROLE) {
        isClosed = true;
        emit DepositGateClosed(msg.sender);
    }

    /// @inheritdoc IKycRegistry
    function reopenDeposits() external onlyRole(GUARDIAN_ROLE) {
        isClosed = false;
        emit DepositGateReopened(msg.sender);
    }

    /// @inheritdoc IKycRegistry
    function setDepositCap(uint16 assetId, uint64 capMinor) external onlyRole(GUARDIAN_ROLE) {
        depositCapMinor[assetId] = capMinor;
        emit DepositCapSet(assetId, capMinor);
    }

    /* INTERNAL */

    function _setLevelNeeded(uint8 level) private {
        if (level == 0) revert LevelIsZero();

        levelNeeded = level;
        emit LevelNeededSet(level);
    }

    function _recordEvidence(address owner, bytes calldata evidence) private {
        (Attestation memory attestation, bytes memory signature) =
            abi.decode(evidence, (Attestation, bytes));
        if (attestation.person != owner) revert EvidenceOfAnotherPerson(owner, attestation.person);

        // Somebody may have copied the evidence out of the pool and recorded it first; a deposit
        // must not fail for that.
        if (attestation.issued > _newest(owner)) _record(attestation, signature);
    }

    function _record(Attestation memory attestation, bytes memory signature) private {
        address person = attestation.person;
        uint64 issued = attestation.issued;
        uint64 tsS = uint64(block.timestamp);
        uint64 newest = _newest(person);
        if (attestation.level == 0) revert LevelIsZero();
        if (issued > tsS) revert AttestationFromFuture(person, tsS, issued);
        if (issued <= newest) revert AttestationTooOld(person, newest, issued);
        if (attestation.expiry < tsS) revert KycExpired(person, attestation.expiry);
        address attestor = _requireSigned(attestationDigest(attestation), signature);

        Status storage status = _statuses[person];
        status.attestor = attestor;
        status.level = attestation.level;
        status.expiry = attestation.expiry;
        status.issued = issued;
        status.recordedAt = tsS;
        emit AttestationRecorded(person, attestor, attestation.level, attestation.expiry, issued);
    }

    /// @dev Returns the attestor who signed `digest`, or reverts.
    function _requireSigned(bytes32 digest, bytes memory signature)
        private
        view
        returns (address attestor)
    {
        if (signature.length == ECDSA_SIZE_BYTES) {
            attestor = ECDSA.recover(digest, signature);
            _checkAttestor(attestor);
        } else if (signature.length == 0) {
            attestor = msg.sender;
            _checkAttestor(attestor);
        } else {
            if (signature.length < ADDRESS_SIZE_BYTES) revert SignatureMalformed(signature.length);
            attestor = address(bytes20(signature));
            _checkAttestor(attestor);
            bytes memory inner = Bytes.slice(signature, ADDRESS_SIZE_BYTES);
            if (!SignatureChecker.isValidERC1271SignatureNow(attestor, digest, inner)) {
                revert AttestorSignatureInvalid(attestor);
            }
        }
    }

    function _checkAttestor(address account) private view {
        if (trustedUntil[account] != SERVING) revert NotAttestor(account);
    }

    function _requireLevel(address person) private view {
        uint8 level = levelOf(person);
        if (level >= levelNeeded) return;

        Status storage status = _statuses[person];
        if (_isRevoked(status)) revert KycRevoked(person, status.revokedAt);
        if (status.level == 0) revert KycRequired(person, levelNeeded, 0);
        if (!_isTrusted(status)) {
            revert KycDistrusted(person, status.attestor, trustedUntil[status.attestor]);
        }
        if (status.expiry < block.timestamp) revert KycExpired(person, status.expiry);
        revert KycRequired(person, levelNeeded, level);
    }

    function _newest(address person) private view returns (uint64) {
        return uint64(Math.max(_statuses[person].issued, _statuses[person].revokedAt));
    }

    function _isRevoked(Status storage status) private view returns (bool) {
        return status.revokedAt != 0 && status.issued <= status.revokedAt;
    }

    function _isTrusted(Status storage status) private view returns (bool) {
        return status.recordedAt < trustedUntil[status.attestor];
    }

    /* VIEWS */

    /// @inheritdoc IKycRegistry
    function levelOf(address person) public view returns (uint8) {
        Status storage status = _statuses[person];
        bool counts = status.expiry >= block.timestamp && !_isRevoked(status) && _isTrusted(status);
        return counts ? status.level : 0;
    }

    /// @inheritdoc IKycRegistry
    function statusOf(address person) external view returns (Status memory) {
        return _statuses[person];
    }

    /// @inheritdoc IKycRegistry
    function attestationDigest(Attestation memory attestation) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    ATTESTATION_TYPEHASH,
                    attestation.person,
                    attestation.level,
                    attestation.expiry,
                    attestation.issued
                )
            )
        );
    }
}
