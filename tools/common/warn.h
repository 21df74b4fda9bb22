/* SPDX-License-Identifier: Apache-2.0
 *
 * Before the tap: who sends is told what is wrong in the records, and may send them all the same; the patient theirs, the clinic
 * what it sends back.
 */
#pragma once

#include <glib.h>

/* NULL-terminated. A file that cannot be read is passed over: that it cannot is said when the session is opened. */
void warn_of_findings(char **files);
