/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of org.ehrlink1.Session and .Transfer for states and roles. Pure.
 */
#include "daemon/core/session.h"

const char *
ehd_session_state_name(EhdSessionState state)
{
    static const char *const names[EHD_STATE_COUNT] = {
        [EHD_STATE_READY] = "ready",         [EHD_STATE_TAPPING] = "tapping",
        [EHD_STATE_STOPPED] = "stopped",     [EHD_STATE_TAPPED] = "tapped",
        [EHD_STATE_DECIDING] = "deciding",   [EHD_STATE_TRANSFERRING] = "transferring",
        [EHD_STATE_SUSPENDED] = "suspended", [EHD_STATE_CONFIRMING] = "confirming",
        [EHD_STATE_FILED] = "filed",         [EHD_STATE_DONE] = "done",
        [EHD_STATE_FAILED] = "failed",
    };

    g_return_val_if_fail(state < EHD_STATE_COUNT, "failed");
    return names[state];
}

const char *
ehd_session_role_name(EhdSessionRole role)
{
    return role == EHD_PATIENT ? "patient" : "terminal";
}

const char *
ehd_transfer_state_name(EhdTransferState state)
{
    static const char *const names[EHD_TRANSFER_STATE_COUNT] = {
        [EHD_TRANSFER_RUNNING] = "running",
        [EHD_TRANSFER_SUSPENDED] = "suspended",
        [EHD_TRANSFER_COMPLETE] = "complete",
        [EHD_TRANSFER_FAILED] = "failed",
    };

    g_return_val_if_fail(state < EHD_TRANSFER_STATE_COUNT, "failed");
    return names[state];
}

const char *
ehd_item_state_name(EhdItemState state)
{
    static const char *const names[EHD_ITEM_STATE_COUNT] = {
        [EHD_ITEM_WAITING] = "waiting", [EHD_ITEM_RUNNING] = "running",
        [EHD_ITEM_STORED] = "stored",   [EHD_ITEM_COLLECTED] = "collected",
        [EHD_ITEM_LISTED] = "listed",
    };

    g_return_val_if_fail(state < EHD_ITEM_STATE_COUNT, "waiting");
    return names[state];
}

const char *
ehd_void_reason_name(EhdVoidReason reason)
{
    static const char *const names[EHD_VOID_COUNT] = {
        [EHD_VOID_TIMED_OUT] = "timed-out",
        [EHD_VOID_PEER_GONE] = "peer-gone",
        [EHD_VOID_CANCELLED] = "cancelled",
        [EHD_VOID_DAEMON_STOPS] = "daemon-stops",
    };

    g_return_val_if_fail(reason < EHD_VOID_COUNT, "cancelled");
    return names[reason];
}
