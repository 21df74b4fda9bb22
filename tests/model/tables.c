/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the engine's transition tables for Spin: the numbers of states, events and actions,
 * and what follows each pair. session.pml is checked with these, so the model and the code
 * cannot have different tables.
 */
#include <stdio.h>
#include <string.h>

#include "proto/session-priv.h"

#define UNLISTED 255u

#define N(name)                                                                                \
    {                                                                                          \
#name, name                                                                            \
    }

static const struct {
    const char *name;
    unsigned value;
} names[] = {
    /* session states */
    N(SS_ENDED),
    N(SS_STAPLE),
    N(SS_REQUEST),
    N(SS_CRLS),
    N(SS_CONSENT),
    N(SS_SENDING),
    N(SS_RECEIPT),
    N(SS_SENT),
    N(SS_ASKING),
    N(SS_KEYED),
    N(SS_PAGES),
    N(SS_OFFERED),
    N(SS_RECEIVING),
    N(SS_COMMITTING),
    N(SS_STORING),
    N(SS_RECEIVED),
    N(SS_REQUESTED),
    N(SS_REQUESTING),
    /* messages and answers */
    N(SE_CRL_STAPLE),
    N(SE_CONSENT_REQUEST),
    N(SE_SESSION_KEY),
    N(SE_CONSENT),
    N(SE_REFUSAL),
    N(SE_REVOKE),
    N(SE_MANIFEST_PAGE),
    N(SE_MANIFEST),
    N(SE_ITEM_REQUEST),
    N(SE_SEGMENT_PART),
    N(SE_ACK),
    N(SE_ITEM_DONE),
    N(SE_RECEIPT),
    N(SE_RECEIPT_ACK),
    N(SE_STATUS),
    N(SE_BYE),
    N(SE_BYE_REASON),
    N(SE_RESUME_HELLO),
    N(SE_CRLS_GOOD),
    N(SE_CRLS_BAD),
    N(SE_GRANT),
    N(SE_REFUSE),
    N(SE_CONSENT_VOID),
    N(SE_WITHDRAW),
    N(SE_MANIFEST_OK),
    N(SE_ALL_STORED),
    N(SE_COMMIT),
    N(SE_STORED),
    N(SE_TELL_STATUS),
    N(SE_REQUEST_ITEMS),
    N(SE_OFFER),
    N(SE_SAY_BYE),
    N(SE_END),
    N(SE_LINK_LOST),
    N(SE_AGREED),
    /* what a session does */
    N(SA_NONE),
    N(SA_KEEP_CRLS),
    N(SA_FORGET_CRLS),
    N(SA_CHECK_REQUEST),
    N(SA_ASK_CONSENT),
    N(SA_REFUSE),
    N(SA_CONSENT_VOID),
    N(SA_GRANT),
    N(SA_ACK),
    N(SA_CHECK_RECEIPT),
    N(SA_RECEIPT_AGAIN),
    N(SA_WITHDRAW),
    N(SA_RESUME_SENDING),
    N(SA_SENT_ALL),
    N(SA_CHECK_STATUS),
    N(SA_ASK),
    N(SA_KEEP_KEY),
    N(SA_FORGET_CONSENT),
    N(SA_CHECK_CONSENT),
    N(SA_PAGE),
    N(SA_OFFER),
    N(SA_ACCEPT),
    N(SA_PART),
    N(SA_DROP_PART),
    N(SA_ITEM_DONE),
    N(SA_REPLY_ITEM_DONE),
    N(SA_ASK_COMMIT),
    N(SA_BUILD_RECEIPT),
    N(SA_SEND_RECEIPT),
    N(SA_RECEIPT_ACKED),
    N(SA_SEND_STATUS),
    N(SA_SEND_AGAIN),
    N(SA_REQUEST_ITEMS),
    N(SA_REQUEST_AGAIN),
    N(SA_FORGET_PAGES),
    N(SA_PEER_LEFT),
    N(SA_ASK_ITEMS),
    N(SA_OFFER_ITEMS),
    N(SA_REVOKED),
    N(SA_DECLINED),
    N(SA_PEER_DONE),
    N(SA_PEER_ENDED),
    N(SA_BYE),
    N(SA_END),
    /* a link's states, events and actions */
    N(LS_FREE),
    N(LS_SILENT),
    N(LS_MESSAGE1),
    N(LS_MESSAGE2),
    N(LS_HELLO),
    N(LS_UP),
    N(LS_CLOSING),
    N(LE_ACCEPT_FIRST),
    N(LE_ACCEPT_RESUME),
    N(LE_CONNECT_FIRST),
    N(LE_CONNECT_RESUME),
    N(LE_HANDSHAKE),
    N(LE_RECORD),
    N(LE_HELLO),
    N(LE_GARBAGE),
    N(LE_LATE),
    N(LE_LOST),
    N(LA_NONE),
    N(LA_TAKE_KEYS),
    N(LA_TAKE_KEYS_PREAMBLE),
    N(LA_AWAIT),
    N(LA_OFFER),
    N(LA_ANSWER),
    N(LA_FINISH),
    N(LA_WIN),
    N(LA_AGREE),
    N(LA_PROVE),
    N(LA_CLOSE),
    N(LA_BAD_TAG),
    N(LA_FREE),
    N(LA_LAST_WORDS),
};

/* [state][event] = {action, next}; what is not listed is UNLISTED, and stays where it is. */
static void
print_machine(const char *name, const ehp_machine *m)
{
    printf("/* %s */\nstatic const unsigned char %s_rules[%zu][%zu][2] = {\n", m->name, name,
           m->n_states, m->n_events);
    for (unsigned state = 0; state < m->n_states; state++) {
        printf("    {");
        for (unsigned event = 0; event < m->n_events; event++) {
            const ehp_rule *r = ehp_machine_find(m, state, event);
            printf("{%u, %u}, ", r == NULL ? UNLISTED : r->action, r == NULL ? state : r->next);
        }
        printf("},\n");
    }
    printf("};\n");
}

/* "names" for Promela; "rules" for the C that Spin's checker is made of. */
int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "names") == 0) {
        printf("#define UNLISTED %u\n", UNLISTED);
        for (size_t i = 0; i < LEN(names); i++)
            printf("#define %s %u\n", names[i].name, names[i].value);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "rules") == 0) {
        print_machine("patient", &ehp_session_patient_machine);
        print_machine("terminal", &ehp_session_terminal_machine);
        print_machine("link", &ehp_link_machine);
        return 0;
    }
    fprintf(stderr, "usage: model-tables names|rules\n");
    return 64;
}
