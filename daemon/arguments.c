/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the command line. Holds no state.
 */
#include "daemon/arguments.h"

#include <string.h>

#include "daemon/error.h"

/* More than any idle time that makes sense: a day. */
#define IDLE_S_MAX 86400

static gboolean
check_absolute(const char *option, const char *path, GError **error)
{
    if (path == NULL || g_path_is_absolute(path))
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: an absolute path is wanted", option);
    return FALSE;
}

static gboolean
parse_idle(const char *text, guint *idle_ms, GError **error)
{
    char *end;
    double seconds = EHD_IDLE_S_DEFAULT;
    if (text != NULL) {
        seconds = g_ascii_strtod(text, &end);
        if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= IDLE_S_MAX)) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT,
                          "--idle-timeout: seconds from 0 (never) to %d are wanted",
                          IDLE_S_MAX);
            return FALSE;
        }
    }
    *idle_ms = (guint)(seconds * 1000);
    if (*idle_ms == 0 && seconds > 0)
        *idle_ms = 1;
    return TRUE;
}

static gboolean
check(const EhdArguments *arguments, int argc, GError **error)
{
    if (argc > 1) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "it takes options only");
        return FALSE;
    }
    return check_absolute("--config", arguments->config, error) &&
           check_absolute("--state-directory", arguments->state_directory, error) &&
           check_absolute("--nfc-helper", arguments->nfc_helper, error) &&
           check_absolute("--bt-helper", arguments->bt_helper, error);
}

gboolean
ehd_arguments_parse(EhdArguments *arguments, int argc, char **argv, GError **error)
{
    memset(arguments, 0, sizeof *arguments);
    g_autofree char *idle = NULL;
    const GOptionEntry entries[] = {
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &arguments->config,
         "Read this configuration and its drop-ins", "FILE"},
        {"state-directory", 0, 0, G_OPTION_ARG_FILENAME, &arguments->state_directory,
         "Keep identity, sessions and receipts here", "DIR"},
        {"link", 0, 0, G_OPTION_ARG_STRING, &arguments->link, "Reach the other device this way",
         "bluetooth[:ADDRESS]|unix:DIR[:ADDRESS]"},
        {"reader", 0, 0, G_OPTION_ARG_STRING, &arguments->reader,
         "Use this NFC reader (libnfc connection string)", "CONNSTRING"},
        {"nfc-helper", 0, 0, G_OPTION_ARG_FILENAME, &arguments->nfc_helper,
         "The program that drives the reader", "PATH"},
        {"bt-helper", 0, 0, G_OPTION_ARG_FILENAME, &arguments->bt_helper,
         "The program that makes Bluetooth connections", "PATH"},
        {"idle-timeout", 0, 0, G_OPTION_ARG_STRING, &idle,
         "Leave after so long with nothing to do; 0: never (default 30)", "SECONDS"},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &arguments->verbose, "Log debug messages", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "Print the version and end",
         NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, "The ehrlink service. The bus starts it on demand.");
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, &argc, &argv, error) &&
           check(arguments, argc, error) && parse_idle(idle, &arguments->idle_ms, error);
}

void
ehd_arguments_clear(EhdArguments *arguments)
{
    g_free(arguments->config);
    g_free(arguments->state_directory);
    g_free(arguments->link);
    g_free(arguments->reader);
    g_free(arguments->nfc_helper);
    g_free(arguments->bt_helper);
    memset(arguments, 0, sizeof *arguments);
}
