/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdGrant: that somebody may do something, as a value. Only the gate (daemon/bus, after polkit
 * said yes) makes one, with daemon/core/grant-make.h, which no other file includes
 * (tests/daemon/core/grant_makers.sh holds that). A privileged function of the core takes one
 * and checks that it is for this action: it cannot be called without.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum {
    EHD_ACTION_SEND,            /* org.ehrlink1.send */
    EHD_ACTION_RECEIVE,         /* org.ehrlink1.receive */
    EHD_ACTION_MANAGE_IDENTITY, /* org.ehrlink1.manage-identity */
    EHD_ACTION_MANAGE_TRUST,    /* org.ehrlink1.manage-trust */
    EHD_ACTION_COUNT
} EhdAction;

typedef struct EhdGrant EhdGrant;

void ehd_grant_free(EhdGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdGrant, ehd_grant_free)

uid_t ehd_grant_get_uid(const EhdGrant *grant);
EhdAction ehd_grant_get_action(const EhdGrant *grant);
/* polkit id of an action, "org.ehrlink1.send". */
const char *ehd_action_id(EhdAction action);
/* TRUE if grant is there and for action; else FALSE and NOT_AUTHORIZED. */
gboolean ehd_grant_check(const EhdGrant *grant, EhdAction action, GError **error);
