/* SPDX-License-Identifier: Apache-2.0
 *
 * Sentences of the service in which something varies that stands neither before nor behind a
 * colon: {1} … {9} are where. The service fills them in before anybody could look them up, so
 * whoever shows one finds its form here. tests/tools/words.py holds that none is missing, and
 * that none is here that nobody says.
 */
#pragma once

/* Keys for gettext; NULL ends them; static. No two of them fit the same sentence, but for one
 * that is more particular and stands first. */
extern const char *const words_forms[];
