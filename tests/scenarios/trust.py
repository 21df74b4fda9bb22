#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Terminals that cannot prove who they are: refused with the reason, nothing sent, never shown as verified."""
import json
import signal

from scenario import CLINIC, case, main

DAY = 86400


def refused(rig, error, in_tap=True):
    """A session with this clinic: 77 and the reason at the patient, who never sees it as verified; nothing arrives. What is found in the
    tap leaves the clinic armed for the second tap that a person could allow; what is found on the link ends it."""
    receive = rig.receive()
    send = rig.send(*rig.sample())
    rig.tap()
    end = send.ends(77, error)
    assert end["text"], end
    never_verified(send)
    if in_tap:
        assert rig.link("count").startswith("p2c 0 c2p 0 "), "something was sent"
        receive.signal(signal.SIGINT)
        receive.ends(130)
    else:
        receive.ends(77, "Declined")
    rig.nothing_arrived()


def never_verified(send):
    for event in send.events:
        assert event.get("verified") is not True, send.said()
        assert event.get("event") not in ("receipt", "progress"), send.said()


@case("--certificate", "wrong-ca")
def wrong_ca(rig):
    """Nobody whom the patient trusts vouches for it."""
    refused(rig, "CertUntrusted")


@case("--certificate", "wrong-eku")
def wrong_purpose(rig):
    """The authority gave it a certificate, but not one for clinic terminals."""
    refused(rig, "CertWrongPurpose")


@case("--certificate", "none")
def no_certificate(rig):
    """A terminal that has only a key and arms all the same: unverified, nothing sent."""
    receive = rig.receive("--unverified")
    send = rig.send(*rig.sample())
    rig.tap()
    send.ends(77, ("Unverified", "CertUntrusted"))
    never_verified(send)
    receive.signal(signal.SIGINT)
    receive.ends(130)
    rig.nothing_arrived()


@case("--certificate", "good", "--clock", f"patient={40 * DAY}")
def expired(rig):
    """The certificate has expired by the patient's clock."""
    refused(rig, "CertExpired")


@case("--certificate", "good", "--clock", "patient=-7200")
def not_yet_valid(rig):
    """The certificate is not valid yet by the patient's clock."""
    refused(rig, "CertNotYetValid")


@case("--certificate", "revoked")
def revoked(rig):
    """The authority revoked the terminal."""
    refused(rig, "CertRevoked", in_tap=False)


@case("--certificate", "revoked-ca")
def revoked_intermediate(rig):
    """The root revoked the intermediate authority."""
    refused(rig, "CertRevoked", in_tap=False)


@case("--certificate", "crl-missing")
def crl_missing(rig):
    """The terminal presents no revocation list."""
    refused(rig, "CrlMissing", in_tap=False)


@case("--certificate", "crl-stale")
def crl_stale(rig):
    """Its revocation list is older than a week."""
    refused(rig, "CrlStale", in_tap=False)


@case("--certificate", "crl-missing", "--set", "patient:trust.allow-unchecked-revocation=true")
def crl_missing_allowed(rig):
    """Where policy allows it, a session without revocation works, but is never shown as plainly verified."""
    files = rig.sample()
    receive = rig.receive()
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", *files)
    rig.tap()
    peer = send.expect("peer")
    assert peer["crl-state"] == "not-checked", peer
    send.type("yes")
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case("--certificate", "good", "--clock", f"patient={-20 * 365 * DAY}")
def clock_cannot_be_right(rig):
    """The patient's clock is before this program was made: a named error before the tap."""
    send = rig.send(*rig.sample())
    send.ends(69, "ClockWrong")


@case("--certificate", "wrong-ca")
def unverified_allowed_by_hand(rig):
    """Going on with an unverified terminal takes the typed fingerprint and a second tap; it is never shown as verified."""
    files = rig.sample()
    receive = rig.receive()
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", *files)
    rig.tap()
    peer = send.expect("peer")
    assert peer["verified"] is False and peer["problem"] == "CertUntrusted", peer
    rig.untap()
    send.type(peer["fingerprint"][:8])
    rig.tap()
    send.expect("request")
    send.state("deciding")
    send.type("yes")
    send.ends(0), receive.ends(0)
    assert not any(e.get("verified") is True for e in send.events if e["event"] == "peer"), send.said()
    rig.arrived(files)


@case("--certificate", "wrong-ca")
def unverified_wrong_digits(rig):
    """Wrong digits of the fingerprint: 77, nothing sent."""
    receive = rig.receive()
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", *rig.sample())
    rig.tap()
    peer = send.expect("peer")
    wrong = "0" * 8 if peer["fingerprint"][:8] != "0" * 8 else "1" * 8
    send.type(wrong)
    send.ends(77, "CertUntrusted")
    receive.signal(signal.SIGINT)
    receive.ends(130)
    rig.nothing_arrived()


@case("--no-provision")
def no_identity(rig):
    """A terminal without an identity does not arm: 69 and what to do."""
    receive = rig.receive()
    receive.ends(69, "NoIdentity")


@case()
def trust_is_managed(rig):
    """ehrctl trust list and remove: what is removed does not vouch any more."""
    listed = [json.loads(line) for line in rig.call("on-patient", "ehrctl", "--json", "trust", "list").splitlines()]
    fingerprint = next(x["fingerprint"] for x in listed if "fingerprint" in x)
    rig.call("on-patient", "ehrctl", "trust", "remove", fingerprint[:16])
    refused(rig, "CertUntrusted")


@case("--no-provision")
def bad_certificates_not_imported(rig):
    """ehrctl identity import refuses an expired chain, one of another purpose, and one of another key."""
    rig.call("test-ca", "ca", "init")
    rig.call("on-clinic", "ehrctl", "identity", "init", "--organisation", CLINIC, "--terminal", "D", "--csr", "csr")
    rig.call("on-patient", "ehrctl", "identity", "init", "--organisation", CLINIC, "--terminal", "D", "--csr", "other-csr")
    for options, request in ((["--not-before", "-40d"], "csr"), (["--eku", "wrong"], "csr"), (["--eku", "none"], "csr"), ([], "other-csr")):
        rig.call("test-ca", "ca", "issue", request, "-o", "chain", *options)
        done = rig.call("on-clinic", "ehrctl", "identity", "import", "chain", check=False)
        assert done.returncode == 65 and done.stderr.startswith("ehrctl: chain: "), (options, done)
    junk = rig.write("junk", b"not a certificate")
    for words in (("identity", "import"), ("trust", "add")):
        done = rig.call("on-clinic", "ehrctl", "--json", *words, junk, check=False)
        assert done.returncode == 65 and json.loads(done.stdout)["error"] == "CertInvalid", done
        assert "junk" in done.stderr and "terminal" not in done.stderr, done  # it is nobody's yet


if __name__ == "__main__":
    main()
