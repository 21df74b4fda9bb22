/* SPDX-License-Identifier: Apache-2.0
 *
 * Every limit that the protocol has, with the reason beside it. A value that crosses the wire
 * is checked against these before anything is allocated for it. PROTOCOL.md repeats them; a
 * test holds the two together.
 */
#pragma once

/* --- tap (NFC, ISO-DEP) ------------------------------------------------------------------ */
#define EHP_VERSION_MIN        1
#define EHP_VERSION_MAX        1
#define EHP_AID_LEN            8
/* libnfc 1.8.0 aborts on a C-APDU of 263 B and on an R-APDU of 264 B: never hand it more. */
#define EHP_APDU_MAX           262
/* Short APDUs: some phones lack extended length; 240 leaves room for header, Le and framing. */
#define EHP_APDU_DATA_MAX      240
/* Message 2 in six APDUs; a 900-byte chain takes five. */
#define EHP_TAP_MSG2_MAX       1440
/* Message 3 fits one R-APDU. */
#define EHP_TAP_MSG3_MAX       240
#define EHP_TAP_CONFIRM_MAX    120
/* Leaf and intermediates; the root is the verifier's own. */
#define EHP_CHAIN_MAX          3
#define EHP_CERT_MAX           1200
#define EHP_TAP_CATEGORIES_MAX 24

/* --- records ----------------------------------------------------------------------------- */
#define EHP_TAG_LEN           16
/* u16 length prefix counts ciphertext with tag. */
#define EHP_RECORD_PLAIN_MAX  32752
#define EHP_RECORD_SEALED_MAX (EHP_RECORD_PLAIN_MAX + EHP_TAG_LEN)
/* Payload of a SegmentPart: 16–32 KiB records; one RFCOMM write stays ≤ 8 KiB below us. */
#define EHP_PART_MAX          32640
/* Rekey per direction after this many records (DESIGN section 4). */
#define EHP_REKEY_RECORDS     65536u
/* protobuf-c turns 64 KiB of empty sub-messages into 5 MB: cap what an unpack may allocate. */
#define EHP_UNPACK_MEMORY_MAX (512 * 1024)
#define EHP_UNPACK_FIELDS_MAX 4096
/* A bad tag closes the link and permits resuming, this often in a session. */
#define EHP_BAD_TAGS_MAX      8
#define EHP_CRL_MAX           3
#define EHP_CRL_BYTES_MAX     16384
#define EHP_CRL_TOTAL_MAX     28672

/* --- transfer ---------------------------------------------------------------------------- */
#define EHP_SEGMENT_MAX         (256 * 1024)
/* Original bytes sent but not acknowledged as durable: eight full segments; bounds both sides'
 * memory. */
#define EHP_WINDOW_BYTES        (8 * EHP_SEGMENT_MAX)
/* And segments: of small items more than eight fit, else 10,000 of them would cost a round trip
 * per eight. */
#define EHP_WINDOW_SEGMENTS     64
#define EHP_ITEMS_MAX           16384
#define EHP_ITEM_BYTES_MAX      (1ull << 40)
#define EHP_TRANSFER_BYTES_MAX  (1ull << 42)
#define EHP_MANIFEST_PAGE_MAX   24576
/* An entry with its salt and a short name takes 48 bytes; as unpacked it is five times that. */
#define EHP_PAGE_ITEMS_MAX      512
#define EHP_MANIFEST_STEP       512
/* Items that are partly there when a link went down; whole ones are told by their count. */
#define EHP_RESUME_ACKS_MAX     512
#define EHP_SALT_LEN            32
#define EHP_HASH_LEN            32
/* zstd: windowLog of a 256 KiB segment; more is a bomb. */
#define EHP_ZSTD_WINDOWLOG_MAX  18
/* proto/dictionary/ehr1.txt, what ENCODING_ZSTD_EHR1 refers back to. */
#define EHP_DICTIONARY_EHR1_LEN 79537
/* Padmé padding of a transfer's sealed bytes up to here (DESIGN section 4). */
#define EHP_PAD_TRANSFER_MAX    (1024 * 1024)

/* --- texts (bytes of UTF-8, no NUL) ------------------------------------------------------- */
#define EHP_NAME_MAX      255
#define EHP_TITLE_MAX     255
#define EHP_TYPE_MAX      127
#define EHP_CODE_MAX      127
#define EHP_DATE_MAX      40
#define EHP_TEXT_MAX      1024
#define EHP_SUBJECT_MAX   64
#define EHP_QUERIES_MAX   32
#define EHP_QUERY_IDS_MAX 64
#define EHP_RECEIPT_MAX   8192
/* An OriginProof of as many items as there may be: some 260 bytes and three fields for each,
 * beside chain, CRLs and request. */
#define EHP_PROOF_MAX        8388608
#define EHP_PROOF_FIELDS_MAX 65536
#define EHP_PROOF_MEMORY_MAX (16 * 1024 * 1024)
/* Transfers in one session: a clinician's questions and replies, not a loop. */
#define EHP_TRANSFERS_MAX 256

/* --- time (milliseconds) ------------------------------------------------------------------ */
#define EHP_ARMED_MS    120000
#define EHP_CONSENT_MS  180000
#define EHP_FILING_MS   600000
/* A tap whose peer says nothing more; a phone may take a second for its part. */
#define EHP_TAP_MS      5000
/* A connection that claims to resume, until its first record authenticates. */
#define EHP_JOIN_MS     10000
/* A transfer on a living link in which nothing becomes durable: a peer that only pings. */
#define EHP_PROGRESS_MS 600000
/* A record that has begun is whole within this, or its length was not the peer's. */
#define EHP_RECORD_MS   10000
/* How long last words may take to leave once a session has ended. */
#define EHP_FLUSH_MS    5000
/* How long a sender stays for the word "filed" after everything is done. */
#define EHP_LINGER_MS   EHP_FILING_MS
/* From the end of the tap to the first authenticated record. */
#define EHP_CONNECT_MS  30000
/* No record at all on a link that should carry some: Ping at half of it, lost after it. */
#define EHP_IDLE_MS     20000
/* A link that went down may come back for this long (resume). */
#define EHP_RESUME_MS   600000
/* What a lost link left may be taken up by a new tap: a visit, with its waiting. Ours alone. */
#define EHP_TAKE_UP_MS  3600000
/* STOP: how long an allowed fingerprint may be tapped again. */
#define EHP_ALLOW_MS    60000
/* A torn tap's pending session at the terminal. */
#define EHP_PENDING_MS  30000
