/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdBus: everything of the daemon that is on the bus: the objects below /org/ehrlink1, the
 * callers, the gate. It translates between the bus and the core and decides nothing. Works in
 * the main context in which it was made. The bus name is not its business (name.h).
 */
#pragma once

#include <gio/gio.h>

#include "daemon/bus/gate.h"
#include "daemon/core/core.h"

typedef struct EhdBus EhdBus;

/* on_activity: ehd_bus_is_idle may have changed. */
EhdBus *ehd_bus_new(GDBusConnection *connection, const char *version, GFunc on_activity,
                    gpointer user_data);
/* For ehd_core_new, with the EhdBus as user_data. */
const EhdCoreHooks *ehd_bus_get_hooks(void);
/* Exports the objects of this core, which outlives the bus or until ehd_bus_close. */
gboolean ehd_bus_export(EhdBus *bus, EhdCore *core, GError **error);

/* No call is under way and the core has nothing to do. */
gboolean ehd_bus_is_idle(const EhdBus *bus);
/* Takes everything off the bus; calls that wait for polkit are answered with an error. */
void ehd_bus_close(EhdBus *bus);
guint ehd_bus_count_calls(const EhdBus *bus);
/* With no call under way; closes first if need be. */
void ehd_bus_free(EhdBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdBus, ehd_bus_free)

/* --- for the adapters: ehd_call_get_owner() is the EhdBus -----------------------------------
 */

EhdCore *ehd_bus_get_core(EhdBus *bus);
EhdGate *ehd_bus_get_gate(EhdBus *bus);
/* The object of this session, exported if it is not yet. */
struct EhdSessionObject *ehd_bus_get_object(EhdBus *bus, EhdSession *session);
