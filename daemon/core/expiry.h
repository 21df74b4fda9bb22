/* SPDX-License-Identifier: Apache-2.0
 *
 * What will stop being believed, said while there is still time: the terminal's certificate,
 * its revocation lists, the authorities that a patient's device trusts. In the log, once a day
 * and when it changes; in the doctor's findings always.
 */
#pragma once

#include "daemon/core/core.h"

#define EHD_EXPIRY_DAYS 30

/* Less than 30 days are left, or less than a third of a life that is shorter than 90 (a
 * revocation list of a week would otherwise be warned of from its first hour). since 0: not
 * known. */
gboolean ehd_expiry_is_near(gint64 now, gint64 since, gint64 until);

/* When patients' devices stop to believe this terminal's revocation lists: the end of the
 * earliest, or [trust] max-crl-age-days after the oldest was made. 0: there are none. */
gint64 ehd_expiry_of_crls(const EhdIdentity *identity, const EhdConfig *config);

/* Looks at everything and logs what is near. */
void ehd_expiry_check(EhdCore *core);
/* Looks now and once a day; idempotent. */
void ehd_expiry_start(EhdCore *core);
void ehd_expiry_stop(EhdCore *core);
