/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounds of this room, each with its reason. Memory is a small multiple of EREC_ENTRY_MAX
 * whatever the file's size.
 */
#pragma once

/* Real records stay below 30; what is deeper was made to harm. Also bounds every recursion over
 * a tree. */
#define EREC_DEPTH_MAX   128
/* An attachment inside JSON: 20 MB of document are 27 MB of base64. */
#define EREC_STRING_MAX  (32u << 20)
/* The longest member name of FHIR has 33 letters; other JSON may be generous. */
#define EREC_KEY_MAX     1024
/* One entry, looked into as a whole. */
#define EREC_ENTRY_MAX   (40u << 20)
/* Values of one entry (some 60 bytes each in memory); the largest seen in real records is below
 * 20,000. */
#define EREC_NODES_MAX   400000
/* Entries of one bundle; 100 MB of synthetic patients are 30,000. */
#define EREC_ENTRIES_MAX 250000
/* Text that the index keeps of each entry: a URL longer than this resolves to nothing. */
#define EREC_URL_MAX     1000
/* XML is read for what stands above the body (256 KiB of it): elements in each other, and the
 * names of one and all around it, in bytes. Each element costs as much as its path is long. */
#define EREC_XML_DEPTH   64
#define EREC_XML_PATH    1024
/* What is read at a time. */
#define EREC_WINDOW      (64u << 10)
