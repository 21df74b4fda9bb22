/* SPDX-License-Identifier: Apache-2.0
 *
 * The grant value. Any thread.
 */
#include "daemon/core/grant-make.h"

#include "daemon/error.h"

struct EhdGrant {
    uid_t uid;
    EhdAction action;
};

EhdGrant *
ehd_grant_make(uid_t uid, EhdAction action)
{
    EhdGrant *grant = g_new(EhdGrant, 1);

    grant->uid = uid;
    grant->action = action;
    return grant;
}

void
ehd_grant_free(EhdGrant *grant)
{
    g_free(grant);
}

uid_t
ehd_grant_get_uid(const EhdGrant *grant)
{
    return grant->uid;
}

EhdAction
ehd_grant_get_action(const EhdGrant *grant)
{
    return grant->action;
}

const char *
ehd_action_id(EhdAction action)
{
    static const char *const ids[EHD_ACTION_COUNT] = {
        [EHD_ACTION_SEND] = "org.ehrlink1.send",
        [EHD_ACTION_RECEIVE] = "org.ehrlink1.receive",
        [EHD_ACTION_MANAGE_IDENTITY] = "org.ehrlink1.manage-identity",
        [EHD_ACTION_MANAGE_TRUST] = "org.ehrlink1.manage-trust",
    };

    g_return_val_if_fail(action < EHD_ACTION_COUNT, "");
    return ids[action];
}

gboolean
ehd_grant_check(const EhdGrant *grant, EhdAction action, GError **error)
{
    if (grant != NULL && grant->action == action)
        return TRUE;
    ehd_error_set(error, EHP_NOT_AUTHORIZED, NULL);
    return FALSE;
}
