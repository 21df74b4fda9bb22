/* SPDX-License-Identifier: Apache-2.0
 *
 * ehp_status: what every function of the engine returns, and what the rest of the project calls
 * an error by. Generated from proto/errors.def; see there for what each means.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
    EHP_OK = 0,
#define X(id, name, exit_code, wire, text) EHP_##id,
#include "proto/errors.def"
#undef X
    EHP_STATUS_COUNT,
    /* Not an error: more input is needed. Never leaves the engine. */
    EHP_AGAIN = 0x7fff,
} ehp_status;

#define EHP_MUST_USE __attribute__((warn_unused_result))

/* CamelCase name without prefix ("ReaderBusy"); "Ok" for EHP_OK, "Internal" if out of range. */
const char *ehp_status_name(ehp_status status);
/* English sentence without a full stop; a gettext key. Never NULL. */
const char *ehp_status_text(ehp_status status);
/* Exit code of a command line that ends with this: 0 for EHP_OK, else sysexits or 130. */
int ehp_status_exit(ehp_status status);
/* What the peer is told (EHP_WIRE_*, proto/ehrlink.proto ErrorCode). */
int ehp_status_wire(ehp_status status);
/* The inverse of ehp_status_name; EHP_STATUS_COUNT if there is none. */
ehp_status ehp_status_from_name(const char *name);
