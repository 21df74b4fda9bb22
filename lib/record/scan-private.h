/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the scanner share: where it is, how it fails, its next byte.
 */
#pragma once

#include "lib/record/scan.h"

/* The next window; FALSE at the end, or when reading failed. */
gboolean erec_scan_refill(ErecScanner *self);
/* A string whose opening quote is next, into the token. */
gboolean erec_scan_string(ErecScanner *self, ErecToken *token);

static inline guint64
position(const ErecScanner *self)
{
    return self->window_end - (guint64)(self->end - self->at);
}

static inline gboolean
fail_at(ErecScanner *self, ErecFaultCode code, guint64 offset)
{
    if (self->fault.code == EREC_FAULT_OK)
        self->fault = (ErecFault){code, offset};
    return FALSE;
}

static inline gboolean
fail(ErecScanner *self, ErecFaultCode code)
{
    return fail_at(self, code, position(self));
}

/* The next byte without taking it; -1 at the end. */
static inline int
peek(ErecScanner *self)
{
    if (self->at == self->end && !erec_scan_refill(self))
        return -1;
    return *self->at;
}
