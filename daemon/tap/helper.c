/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink-nfc as the daemon has it: daemon/helper's client, with messages that are parsed. Runs
 * on the main context that it was made on.
 */
#include "daemon/tap/helper.h"

#include <string.h>
#include <unistd.h>

#include "daemon/helper/client.h"
#include "daemon/words.h"

struct EhdTapHelper {
    EhdHelper *process; /* owned */
    char *reader;       /* owned */
    EhdTapHelperEvents events;
    gpointer user_data;
};

static gboolean
on_message(const guint8 *bytes, gsize length, int fd, gpointer user_data)
{
    EhdTapHelper *helper = user_data;
    EhdNfcMessage message;

    if (fd >= 0)
        close(fd);
    if (fd >= 0 ||
        ehd_nfc_wire_parse(&message, bytes, length, EHD_NFC_FROM_HELPER) != EHP_OK)
        return FALSE;
    helper->events.on_message(&message, helper->user_data);
    return TRUE;
}

static void
on_gone(gpointer user_data)
{
    EhdTapHelper *helper = user_data;

    helper->events.on_gone(helper->user_data);
}

static const EhdHelperEvents helper_events = {.on_message = on_message, .on_gone = on_gone};

gboolean
ehd_tap_helper_is_running(EhdTapHelper *helper)
{
    return ehd_helper_is_running(helper->process);
}

/* The command line of a helper that we did not start does not name it. */
static void
name_reader(EhdTapHelper *helper)
{
    if (helper->reader != NULL && ehd_helper_is_activated(helper->process))
        ehd_tap_helper_send(helper, &(EhdNfcMessage){.type = EHD_NFC_READER,
                                                     .data = (const uint8_t *)helper->reader,
                                                     .len = strlen(helper->reader)});
}

gboolean
ehd_tap_helper_start(EhdTapHelper *helper, const char **why)
{
    gboolean running = ehd_helper_is_running(helper->process);

    if (!ehd_helper_start(helper->process, why))
        return FALSE;
    if (!running)
        name_reader(helper);
    return TRUE;
}

void
ehd_tap_helper_stop(EhdTapHelper *helper, gboolean now)
{
    ehd_helper_stop(helper->process, now);
}

void
ehd_tap_helper_send(EhdTapHelper *helper, const EhdNfcMessage *message)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX];
    size_t length = ehd_nfc_wire_build(bytes, message);

    if (length > 0) /* 0: longer than an APDU may be, which is the caller's to know */
        ehd_helper_send(helper->process, bytes, length);
    explicit_bzero(bytes, sizeof bytes);
}

EhdTapHelper *
ehd_tap_helper_new(const EhdTapConfig *config, const EhdTapHelperEvents *events,
                   gpointer user_data)
{
    EhdTapHelper *helper = g_new0(EhdTapHelper, 1);
    const char *reader = config->reader != NULL ? config->reader : "auto";
    char *arguments[] = {(char *)"--reader", (char *)(gsize)reader,
                         config->verbose ? (char *)"--verbose" : NULL, NULL};
    EhdHelperConfig process = {.name = N_("the NFC helper"),
                               .program = config->helper_path,
                               .socket_path = config->socket_path,
                               .arguments = arguments};

    helper->reader = g_strdup(config->reader);
    helper->events = *events;
    helper->user_data = user_data;
    helper->process = ehd_helper_new(&process, &helper_events, helper);
    return helper;
}

void
ehd_tap_helper_free(EhdTapHelper *helper)
{
    ehd_helper_free(helper->process);
    g_free(helper->reader);
    g_free(helper);
}
