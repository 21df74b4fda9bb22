/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in the way of a session that is still armed: a reader that was unplugged, a
 * tap that was torn, a clinic that is busy, Bluetooth that is gone. It ends nothing; the person is told what to do or to
 * wait.
 */
#pragma once

#include <ehrlink.h>

/* Tells it when it is another than *told (owned; an error name, NULL for none), which is then
 * replaced. TRUE: it has gone
 * by itself, and the session is as ready as it was before. */
gboolean trouble_tell(EhrlinkSession *session, char **told);
