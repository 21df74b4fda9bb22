/* SPDX-License-Identifier: Apache-2.0
 *
 * The two state machines of the tap. What is not listed is a peer that breaks the rules: the
 * try fails with EHP_TAP_REJECTED, the card says EHP_SW_FAILED, and the next SELECT begins
 * anew.
 */
#include "proto/tap-priv.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const reader_states[RS_COUNT] = {
    [RS_IDLE] = "Idle",
    [RS_SELECTING] = "Selecting",
    [RS_SELECTING_BUSY] = "SelectingBusy",
    [RS_TELLING_BUSY] = "TellingBusy",
    [RS_PUSHING] = "Pushing",
    [RS_SENDING] = "Sending",
    [RS_SENT] = "Sent",
    [RS_STORING] = "Storing",
    [RS_CONFIRMING] = "Confirming",
    [RS_DONE] = "Done",
};

static const char *const reader_events[RE_COUNT] = {
    [RE_START] = "device in the field",
    [RE_START_BUSY] = "device in the field, busy",
    [RE_DATA] = "9000 with data",
    [RE_OK] = "9000",
    [RE_STOP] = "6985",
    [RE_NOT_FOUND] = "6A82",
    [RE_OTHER] = "anything else",
    [RE_MORE] = "not the last",
    [RE_LAST] = "the last",
    [RE_STORED] = "stored",
    [RE_STORE_FAILED] = "not stored",
    [RE_LOST] = "field lost",
    [RE_SILENT] = "silence",
};

static const char *const reader_actions[RA_COUNT] = {
    [RA_NONE] = "none",
    [RA_SELECT] = "send SELECT",
    [RA_BEGIN] = "read e, make message 2",
    [RA_TELL_BUSY] = "send BUSY",
    [RA_BUSY_TOLD] = "report",
    [RA_FRAGMENT] = "send fragment",
    [RA_FINISH] = "read message 3, ask to store",
    [RA_CONFIRM] = "send CONFIRM",
    [RA_STORE_FAILED] = "forget, report",
    [RA_DONE] = "hand out secrets",
    [RA_STOPPED] = "forget, report",
    [RA_FOREIGN] = "report",
    [RA_TORN] = "forget, report",
    [RA_UNCERTAIN] = "hand out pending secrets",
};

static const ehp_rule reader_rules[] = {
    {RS_IDLE, RE_START, RA_SELECT, RS_SELECTING},
    {RS_IDLE, RE_START_BUSY, RA_SELECT, RS_SELECTING_BUSY},
    {RS_IDLE, RE_LOST, RA_NONE, RS_IDLE},
    {RS_IDLE, RE_SILENT, RA_NONE, RS_IDLE},

    {RS_SELECTING, RE_DATA, RA_BEGIN, RS_PUSHING},
    {RS_SELECTING, RE_OK, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING, RE_STOP, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING, RE_NOT_FOUND, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING, RE_OTHER, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING, RE_LOST, RA_TORN, RS_IDLE},
    {RS_SELECTING, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_SELECTING, RE_START, RA_SELECT, RS_SELECTING},

    {RS_SELECTING_BUSY, RE_DATA, RA_TELL_BUSY, RS_TELLING_BUSY},
    {RS_SELECTING_BUSY, RE_OK, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_STOP, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_NOT_FOUND, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_OTHER, RA_FOREIGN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_LOST, RA_TORN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_SELECTING_BUSY, RE_START_BUSY, RA_SELECT, RS_SELECTING_BUSY},

    {RS_TELLING_BUSY, RE_DATA, RA_BUSY_TOLD, RS_IDLE},
    {RS_TELLING_BUSY, RE_OK, RA_BUSY_TOLD, RS_IDLE},
    {RS_TELLING_BUSY, RE_STOP, RA_BUSY_TOLD, RS_IDLE},
    {RS_TELLING_BUSY, RE_NOT_FOUND, RA_BUSY_TOLD, RS_IDLE},
    {RS_TELLING_BUSY, RE_OTHER, RA_BUSY_TOLD, RS_IDLE},
    {RS_TELLING_BUSY, RE_LOST, RA_TORN, RS_IDLE},
    {RS_TELLING_BUSY, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_TELLING_BUSY, RE_START_BUSY, RA_SELECT, RS_SELECTING_BUSY},

    {RS_PUSHING, RE_MORE, RA_FRAGMENT, RS_SENDING},
    {RS_PUSHING, RE_LAST, RA_FRAGMENT, RS_SENT},

    {RS_SENDING, RE_OK, RA_NONE, RS_PUSHING},
    {RS_SENDING, RE_LOST, RA_TORN, RS_IDLE},
    {RS_SENDING, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_SENDING, RE_START, RA_SELECT, RS_SELECTING},

    {RS_SENT, RE_DATA, RA_FINISH, RS_STORING},
    {RS_SENT, RE_STOP, RA_STOPPED, RS_IDLE},
    {RS_SENT, RE_LOST, RA_TORN, RS_IDLE},
    {RS_SENT, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_SENT, RE_START, RA_SELECT, RS_SELECTING},

    {RS_STORING, RE_STORED, RA_CONFIRM, RS_CONFIRMING},
    {RS_STORING, RE_STORE_FAILED, RA_STORE_FAILED, RS_IDLE},
    {RS_STORING, RE_LOST, RA_TORN, RS_IDLE},
    {RS_STORING, RE_SILENT, RA_TORN, RS_IDLE},
    {RS_STORING, RE_START, RA_SELECT, RS_SELECTING},

    {RS_CONFIRMING, RE_OK, RA_DONE, RS_DONE},
    {RS_CONFIRMING, RE_LOST, RA_UNCERTAIN, RS_IDLE},
    {RS_CONFIRMING, RE_SILENT, RA_UNCERTAIN, RS_IDLE},

    {RS_DONE, RE_LOST, RA_NONE, RS_DONE},
    {RS_DONE, RE_SILENT, RA_NONE, RS_DONE},
};

const ehp_machine ehp_tap_reader_machine = {
    .name = "tap reader (terminal)",
    .states = reader_states,
    .n_states = RS_COUNT,
    .events = reader_events,
    .n_events = RE_COUNT,
    .actions = reader_actions,
    .n_actions = RA_COUNT,
    .rules = reader_rules,
    .n_rules = LEN(reader_rules),
};

static const char *const card_states[CS_COUNT] = {
    [CS_ARMED] = "Armed",     [CS_SELECTED] = "Selected", [CS_GATHERING] = "Gathering",
    [CS_JUDGING] = "Judging", [CS_ANSWERED] = "Answered", [CS_DONE] = "Done",
};

static const char *const card_events[CE_COUNT] = {
    [CE_SELECT] = "SELECT",       [CE_SELECT_OTHER] = "SELECT of another application",
    [CE_FRAGMENT] = "fragment",   [CE_LAST] = "last fragment",
    [CE_CONFIRM] = "CONFIRM",     [CE_BUSY] = "BUSY",
    [CE_OTHER] = "anything else", [CE_GOOD] = "verified or allowed",
    [CE_BAD] = "not verified",    [CE_LOST] = "field lost",
    [CE_SILENT] = "silence",
};

static const char *const card_actions[CA_COUNT] = {
    [CA_NONE] = "none",
    [CA_SELECT] = "answer versions, e",
    [CA_NOT_FOUND] = "answer 6A82",
    [CA_LEAVE] = "answer 6A82, forget, report",
    [CA_GATHER] = "keep fragment, answer 9000",
    [CA_JUDGE] = "read message 2, ask verdict",
    [CA_ANSWER] = "answer message 3",
    [CA_STOP] = "answer 6985, forget, report",
    [CA_COMMIT] = "check, answer 9000, hand out secrets",
    [CA_BUSY] = "answer 9000, report",
    [CA_REFUSE] = "answer 6F00",
    [CA_TORN] = "forget, report",
};

static const ehp_rule card_rules[] = {
    {CS_ARMED, CE_SELECT, CA_SELECT, CS_SELECTED},
    {CS_ARMED, CE_SELECT_OTHER, CA_NOT_FOUND, CS_ARMED},
    {CS_ARMED, CE_FRAGMENT, CA_REFUSE, CS_ARMED},
    {CS_ARMED, CE_LAST, CA_REFUSE, CS_ARMED},
    {CS_ARMED, CE_CONFIRM, CA_REFUSE, CS_ARMED},
    {CS_ARMED, CE_BUSY, CA_REFUSE, CS_ARMED},
    {CS_ARMED, CE_OTHER, CA_REFUSE, CS_ARMED},
    {CS_ARMED, CE_LOST, CA_NONE, CS_ARMED},
    {CS_ARMED, CE_SILENT, CA_NONE, CS_ARMED},

    {CS_SELECTED, CE_SELECT, CA_SELECT, CS_SELECTED},
    {CS_SELECTED, CE_SELECT_OTHER, CA_LEAVE, CS_ARMED},
    {CS_SELECTED, CE_FRAGMENT, CA_GATHER, CS_GATHERING},
    {CS_SELECTED, CE_LAST, CA_JUDGE, CS_JUDGING},
    {CS_SELECTED, CE_BUSY, CA_BUSY, CS_ARMED},
    {CS_SELECTED, CE_LOST, CA_TORN, CS_ARMED},
    {CS_SELECTED, CE_SILENT, CA_TORN, CS_ARMED},

    {CS_GATHERING, CE_SELECT, CA_SELECT, CS_SELECTED},
    {CS_GATHERING, CE_SELECT_OTHER, CA_LEAVE, CS_ARMED},
    {CS_GATHERING, CE_FRAGMENT, CA_GATHER, CS_GATHERING},
    {CS_GATHERING, CE_LAST, CA_JUDGE, CS_JUDGING},
    {CS_GATHERING, CE_LOST, CA_TORN, CS_ARMED},
    {CS_GATHERING, CE_SILENT, CA_TORN, CS_ARMED},

    {CS_JUDGING, CE_SELECT, CA_SELECT, CS_SELECTED},
    {CS_JUDGING, CE_SELECT_OTHER, CA_LEAVE, CS_ARMED},
    {CS_JUDGING, CE_GOOD, CA_ANSWER, CS_ANSWERED},
    {CS_JUDGING, CE_BAD, CA_STOP, CS_ARMED},
    {CS_JUDGING, CE_LOST, CA_TORN, CS_ARMED},
    {CS_JUDGING, CE_SILENT, CA_TORN, CS_ARMED},

    {CS_ANSWERED, CE_SELECT, CA_SELECT, CS_SELECTED},
    {CS_ANSWERED, CE_SELECT_OTHER, CA_LEAVE, CS_ARMED},
    {CS_ANSWERED, CE_CONFIRM, CA_COMMIT, CS_DONE},
    {CS_ANSWERED, CE_LOST, CA_TORN, CS_ARMED},
    {CS_ANSWERED, CE_SILENT, CA_TORN, CS_ARMED},

    {CS_DONE, CE_SELECT, CA_NOT_FOUND, CS_DONE},
    {CS_DONE, CE_SELECT_OTHER, CA_NOT_FOUND, CS_DONE},
    {CS_DONE, CE_FRAGMENT, CA_REFUSE, CS_DONE},
    {CS_DONE, CE_LAST, CA_REFUSE, CS_DONE},
    {CS_DONE, CE_CONFIRM, CA_REFUSE, CS_DONE},
    {CS_DONE, CE_BUSY, CA_REFUSE, CS_DONE},
    {CS_DONE, CE_OTHER, CA_REFUSE, CS_DONE},
    {CS_DONE, CE_LOST, CA_NONE, CS_DONE},
    {CS_DONE, CE_SILENT, CA_NONE, CS_DONE},
};

const ehp_machine ehp_tap_card_machine = {
    .name = "tap card (patient)",
    .states = card_states,
    .n_states = CS_COUNT,
    .events = card_events,
    .n_events = CE_COUNT,
    .actions = card_actions,
    .n_actions = CA_COUNT,
    .rules = card_rules,
    .n_rules = LEN(card_rules),
};
