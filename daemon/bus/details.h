/* SPDX-License-Identifier: Apache-2.0
 *
 * The core's plain structs as the dictionaries of the bus (proto/dbus/). What is not known is
 * not in them. Pure; main context only, since the structs are borrowed.
 */
#pragma once

#include "daemon/core/doctor.h"
#include "daemon/core/origin.h"
#include "daemon/core/receipt.h"
#include "daemon/core/session.h"
#include "daemon/store/identity.h"
#include "daemon/store/trust.h"

/* All return floating variants. */

/* a{sv} as Session.GetDetails; with_path: "path" as well, as ListSessions has it. */
GVariant *ehd_details_of_session(const EhdSessionInfo *info, gboolean with_path);
/* (tta{sv}) as Transfer.GetProgress */
GVariant *ehd_details_of_progress(const EhdSessionInfo *info, EhdDirection direction);
/* a{sv} as Agent.ItemsArrived */
GVariant *ehd_details_of_arrival(const EhdSessionInfo *info, EhdDirection direction);
/* aa{sv} as Transfer.ListItems; items: of EhdItemInfo */
GVariant *ehd_details_of_items(const GArray *items);
/* a{sv} as Manager.GetIdentity; identity NULL: there is none */
GVariant *ehd_details_of_identity(const EhdIdentity *identity, ehp_status problem);
/* aa{sv} as Manager.ListTrust */
GVariant *ehd_details_of_trust(const EhdTrust *trust);
/* a{sv} as Manager.VerifyOrigin */
GVariant *ehd_details_of_origin(const EhdOriginFacts *facts);
/* a{sv} as Manager.VerifyReceipt */
GVariant *ehd_details_of_receipt(const EhdReceiptFacts *facts);
/* aa{sv} as Manager.Diagnose; findings: of EhdFinding */
GVariant *ehd_details_of_findings(const GPtrArray *findings);

/* (transfer full) Object paths of a session and of its transfer. */
char *ehd_session_path(const char *id);
char *ehd_transfer_path(const char *id, EhdDirection direction);
/* Of a transfer's path. */
EhdDirection ehd_direction_of_path(const char *path);
/* The id in a session's or its transfer's path, (transfer full); NULL for any other path. */
char *ehd_session_id_of_path(const char *path);
