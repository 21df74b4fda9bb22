/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of errors are English here, as the texts of ehrlink_error_get_text() are, and both
 * are message ids of the gettext domain "ehrlink": N_() marks them for it. What varies stands
 * before or behind a colon, or has a form (daemon/words.h).
 */
#pragma once

#define N_(text) text
