/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session ended for the patient: the clinic's receipt, and what became of the records there.
 */
#pragma once

#include "ehrlink.h"

/* facts: of ehrlink_client_verify_receipt_finish(). */
void result_show_receipt(EhrlinkSession *session, GBytes *receipt, GVariant *facts);
/* What became of the records, when the clinic said it in time; says it. An error (transfer full) when they are not kept there. */
GError *result_judge_status(EhrlinkSession *session);
