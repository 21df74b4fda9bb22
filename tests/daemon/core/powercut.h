/* SPDX-License-Identifier: Apache-2.0
 *
 * A power cut after every single thing that a daemon did to its disk while a tape ran (tape.h):
 * a daemon starts on what each leaves.
 */
#pragma once

#include "tests/daemon/core/host.h"
#include "tests/daemon/core/tape.h"

/* probe: started on what is left; mark: of the test, as it was then. */
typedef void (*PowercutCheck)(Host *probe, guint64 mark);
/* Every seventh point, all with -m slow; each whole and, of a write, half; with all of it there
 * (SIGKILL), and with names, contents or both lost where they were not synced. Returns how many
 * there were. disk: as it was at the start of the tape, used up. */
guint powercut_everywhere(GPtrArray *ops, TapeDisk *disk, PowercutCheck check);
/* The one that there is, or NULL. */
EhdSession *powercut_session(Host *probe);
/* A whole item in its spool holds these bytes. */
void powercut_assert_item(Host *probe, EhdSession *session, guint id, GBytes *expected);
