# SPDX-License-Identifier: Apache-2.0
"""Signs records as others do (RFC 7515 over canonical JSON), for the tests: authorities, signers, and what is wrong with them.

The canonical form here is Python's own, so that the one of lib/record is not judged by itself.
"""
import base64
import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CANONICAL = "http://hl7.org/fhir/canonicalization/json"
DAY = datetime.timedelta(days=1)
KEYS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048), "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "RS512": lambda: rsa.generate_private_key(65537, 3072), "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()), "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate, "RSA1024": lambda: rsa.generate_private_key(65537, 1024),
}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PURPOSES = {"documents": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"), "web": ExtendedKeyUsageOID.SERVER_AUTH}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    """ECMAScript's, for what the tests have: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def canonical(value, drop=()):
    value = {k: v for k, v in value.items() if k not in drop} if isinstance(value, dict) else value
    return json.dumps(walk(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def walk(value):
    if isinstance(value, dict):
        return {k: walk(v) for k, v in value.items()}
    return [walk(v) for v in value] if isinstance(value, list) else number(value)


class Identity:
    """A key and its certificate; signed by `issuer`, or by itself."""

    def __init__(self, name, alg="ES256", issuer=None, ca=False, since=-DAY, until=400 * DAY, purpose=None, may_sign=True):
        self.alg, self.key, self.issuer = alg, KEYS[alg](), issuer
        now = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "EU"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
                             x509.NameAttribute(NameOID.COMMON_NAME, name + " key")])
        self.subject = subject
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now + since).not_valid_after(now + until)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
                   .add_extension(x509.KeyUsage(may_sign and not ca, False, False, False, False, ca or not may_sign, ca, False, False), True))
        if purpose:
            builder = builder.add_extension(x509.ExtendedKeyUsage([PURPOSES[purpose]]), False)
        by = issuer or self
        self.certificate = builder.sign(by.key, None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def der64(self):
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()

    def revoke(self, other):
        now = datetime.datetime.utcnow()
        taken = x509.RevokedCertificateBuilder().serial_number(other.certificate.serial_number).revocation_date(now - DAY).build()
        crl = (x509.CertificateRevocationListBuilder().issuer_name(self.subject).last_update(now - DAY).next_update(now + 30 * DAY)
               .add_revoked_certificate(taken).sign(self.key, hashes.SHA256()))
        return crl.public_bytes(serialization.Encoding.PEM)

    def sign(self, data):
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        digest = HASHES[self.alg[-3:]] if self.alg[-3:] in HASHES else hashes.SHA256()
        if isinstance(self.key, rsa.RSAPrivateKey):
            pad = padding.PSS(padding.MGF1(digest), digest.digest_size) if self.alg.startswith("PS") else padding.PKCS1v15()
            return self.key.sign(data, pad, digest)
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
        size = (self.key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def jws(signer, payload, chain=None, detached=True, **header):
    head = {"alg": "RS256" if signer.alg == "RSA1024" else signer.alg, "x5c": [c.der64() for c in (chain or [signer])], **header}
    head = {k: v for k, v in head.items() if v is not None}
    first = b64url(json.dumps(head).encode())
    signature = b64url(signer.sign(f"{first}.{b64url(payload)}".encode()))
    return f"{first}.{'' if detached else b64url(payload)}.{signature}"


def signature(text, target_format=None, **more):
    element = {"type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.5"}], "when": "2026-03-01T10:00:00Z",
               "who": {"display": "who it says"}, "sigFormat": "application/jose", "data": base64.b64encode(text.encode()).decode()}
    if target_format:
        element["targetFormat"] = target_format
    return {**element, **more}
