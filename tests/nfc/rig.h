/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests over real libnfc share: a simulated field, a side (one EhdTap on one chip,
 * with what happened to it), a card on a socket. Whatever does not happen within a generous
 * time ends the test with the reason.
 */
#pragma once

#include "daemon/tap/tap.h"

#include <glib.h>
#include <sys/types.h>

typedef struct {
    char *dir;
    int control;
    GPid pid;
} Field;

Field *field_new(int chips, const char *option);
void field_free(Field *field);
/* Says one command; returns the answer (borrowed until the next) and fails unless it is "ok".
 */
const char *field_say(Field *field, const char *format, ...) G_GNUC_PRINTF(2, 3);
char *field_reader(Field *field, int chip);

/* One device. A reader sends `script[0..script_len)` in turn; a card answers by echo (every
 * byte inverted). What happened is in the fields. */
typedef struct {
    EhdTap *tap;
    int ready, activated, apdus, lost, errors;
    ehp_status why;    /* of the last on_lost */
    ehp_status status; /* of the last on_error */
    char *detail;
    GByteArray *last; /* APDU */
    gboolean echo;    /* answers at once */
    gboolean wrong;   /* an echo that was not one */
    int pings;        /* a reader sends that many more C-APDUs, each of ping_len */
    gsize ping_len;
} Side;

Side *side_new(Field *field, int chip);
Side *side_new_with(const EhdTapConfig *config);
void side_free(Side *side);
void side_arm(Side *side, EhdTapRole role);
void side_send(Side *side, gsize len);
/* The worker's pid (the youngest child of our helper's supervisor), and the supervisor's. */
pid_t side_worker(void);
pid_t side_supervisor(void);

/* Iterates the main loop until `condition`, 30 s at most. */
#define WAIT_FOR(condition)                                                                    \
    do {                                                                                       \
        guint wait_id_ = wait_begin();                                                         \
        while (!(condition)) {                                                                 \
            g_main_context_iteration(NULL, TRUE);                                              \
            if (wait_is_over())                                                                \
                g_error("%s:%d: never came: %s", __FILE__, __LINE__, #condition);              \
        }                                                                                      \
        wait_end(wait_id_);                                                                    \
    } while (0)
guint wait_begin(void);
gboolean wait_is_over(void);
void wait_end(guint id);

/* A card of the test's own. */
typedef struct {
    int fd;
} Card;
Card *card_new(Field *field, guint8 sak);
/* What it says of itself: SAK and ATS. */
Card *card_new_with(Field *field, const void *bytes, gsize len);
void card_free(Card *card);
/* Waits for 'A', 'C' or 'X' (main loop runs); returns the kind, bytes in apdu. */
char card_hear(Card *card, GByteArray *apdu);
void card_say(Card *card, char what, const void *bytes, gsize len);
