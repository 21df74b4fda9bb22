/* SPDX-License-Identifier: Apache-2.0
 *
 * See words-forms.h. A static table.
 */
#include "tools/common/words-forms.h"

#include <glib/gi18n.h>

const char *const words_forms[] = {
    /* what an application asked for */
    N_("{1} bytes, where 1 to {2} are allowed"),
    N_("{1} bytes, where {2} to {3} are allowed"),
    N_("{1} bytes, where {2} are allowed"),
    N_("{1}, where 1 to {2} are allowed"),
    N_("at most {1} items"),
    N_("at most {1}"),
    N_("item {1} was not reported as stored"),
    N_("item {1}"),
    N_("must be of type {1}"),
    N_("{1} calls of this program are unanswered"),
    N_("{1} calls of this user are unanswered"),
    /* what is stored */
    N_("write {1}"),
    N_("read {1}"),
    N_("remove {1}"),
    N_("not a regular file of at most {1} bytes"),
    N_("state version {1}"),
    N_("broken after line {1}"),
    N_("audit/{1} is missing"),
    N_("a ledger record is over {1} bytes"),
    N_("a ledger note is over {1} bytes"),
    N_("the ledger holds {1} sessions"),
    N_("a receipt of {1} bytes"),
    N_("a session's note is over {1} bytes"),
    /* the bus, the link, the reader */
    N_("another process owns {1}"),
    N_("the name {1} was taken away"),
    N_("channel {1} is taken"),
    N_("listen in {1}, channel {2}"),
    N_("sockets in {1} stand in for Bluetooth"),
    N_("{1} is too long for a socket's name (at most {2})"),
    N_("a card that is not ISO-DEP (SAK {1})"),
    N_("the Bluetooth helper cannot be started"),
    N_("the NFC helper cannot be started"),
    NULL,
};
