/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of one field of a packed message, made on its bytes, so that what no library would
 * write can be written: and the list of all fields, from the descriptors, so that none can be
 * forgotten.
 */
#pragma once

#include <glib.h>

#include "proto/guard.h"
#include "proto/sign.h"

typedef enum {
    EDIT_ABSENT,
    EDIT_CHANGED, /* another value, well formed */
    EDIT_UNKNOWN, /* a value outside the closed table */
    EDIT_LONGEST, /* exactly as long as it may be */
    /* from here on the guard refuses, whatever the field means */
    EDIT_TWICE,     /* a singular field */
    EDIT_MANY,      /* one more than a repeated field may have */
    EDIT_WIRE_TYPE, /* as if it were a fixed32 */
    EDIT_GROUP,     /* the wire type of groups */
    EDIT_TOO_LONG,
    EDIT_TOO_SHORT,
    EDIT_BAD_UTF8,
    EDIT_NUL,
    EDIT_OVERFLOW, /* a number that does not fit */
    EDIT_OVERLONG, /* a varint of eleven bytes */
    EDIT_BEYOND,   /* a length behind the end */
    EDIT_KINDS,
} edit_kind;

#define EDIT_DEPTH_MAX 8

typedef struct {
    const ProtobufCFieldDescriptor *field[EDIT_DEPTH_MAX];
    const ProtobufCMessageDescriptor *message[EDIT_DEPTH_MAX]; /* that has field[i] */
    size_t n;
    size_t body; /* fields from here on are in a signed body; 0: there is none */
} edit_path;

/* What is signed in a field of Record, or NULL. */
const ProtobufCMessageDescriptor *edit_body(unsigned kind, ehp_sign_type *type);
const char *edit_name(edit_kind how);
/* "consent.body.purpose"; free with g_free. */
char *edit_path_name(const edit_path *path);
/* Does this change make sense for the field? */
bool edit_fits(const edit_path *path, edit_kind how);
/* Every field of Record and below, signed bodies included. */
void edit_each(const ProtobufCMessageDescriptor *top,
               void (*found)(const edit_path *path, void *user), void *user);

/* The message (of path->message[from]) with the field at the end of the path changed; how:
 * edit_kind. */
GByteArray *edit_apply(ehp_bytes message, const edit_path *path, size_t from, edit_kind how);
/* The same with the field's payload in place of a kind of change. */
GByteArray *edit_put(ehp_bytes message, const edit_path *path, size_t from, ehp_bytes payload);
/* The payload of the first field `number` of a message; empty if it is not there. */
ehp_bytes edit_get(ehp_bytes message, unsigned number);
