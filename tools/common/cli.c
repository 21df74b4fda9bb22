/* SPDX-License-Identifier: Apache-2.0
 *
 * See cli.h. Main thread.
 */
#include "tools/common/cli.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/common/output.h"
#include "tools/common/words.h"
#include "tools/common/words-service.h"
#include "tools/config.h"

static struct {
    void (*callback)(gpointer);
    gpointer user_data;
    gboolean seen;
} interrupt;

/* A descriptor 0, 1 or 2 that is closed would be given to the next file or socket, and what is meant for people would
 * go there. */
static void
fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void
cli_init(const char *program)
{
    fill_standard_descriptors();
    setlocale(LC_ALL, "");
    bindtextdomain("ehrlink", EHRLINK_LOCALE_DIR);
    bind_textdomain_codeset("ehrlink", "UTF-8");
    textdomain("ehrlink");
    g_set_prgname(program);
    signal(SIGPIPE, SIG_IGN); /* a reader that went away must not cost the session its clean end */
}

/* What ends a run is one object too, also when nothing was begun. */
static void
end_usage(const char *text)
{
    JsonBuilder *event = output_event("end");

    output_member_int(event, "exit", CLI_EXIT_USAGE);
    output_member_string(event, "error", ehrlink_error_get_name(EHRLINK_ERROR_INVALID_ARGUMENT));
    output_member_string(event, "text", text);
    output_event_end();
}

int
cli_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    output_error("%s", text);
    g_printerr(_("Try “%s --help”.\n"), g_get_prgname());
    end_usage(text);
    return CLI_EXIT_USAGE;
}

void
cli_print_version(void)
{
    g_print("%s %s\n", g_get_prgname(), EHRLINK_VERSION);
}

/* Before the rest is parsed, so that what is wrong with that is said as JSON too. */
static gboolean
wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && !g_str_equal(argv[i], "--"); i++)
        if (g_str_equal(argv[i], "--json"))
            return TRUE;
    return FALSE;
}

int
cli_parse(int *argc, char ***argv, const GOptionEntry *entries, CliCommon *common,
          const char *arguments, const char *summary)
{
    const GOptionEntry shared[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &common->json, N_("one JSON object per line"), NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &common->quiet, N_("no progress"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &common->version, N_("say the version"), NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_autoptr(GError) error = NULL;

    g_option_context_set_translation_domain(context, "ehrlink");
    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, "ehrlink");
    g_option_context_add_main_entries(context, shared, "ehrlink");
    output_init((OutputMode){.json = wants_json(*argc, *argv)});
    if (!g_option_context_parse(context, argc, argv, &error))
        return cli_usage("%s", error->message);
    output_init((OutputMode){.json = common->json, .quiet = common->quiet});
    if (common->version) {
        cli_print_version();
        return -1;
    }
    return 0;
}

int
cli_exit_code(const GError *error)
{
    if (error == NULL)
        return EXIT_SUCCESS;
    if (error->domain == EHRLINK_ERROR)
        return ehrlink_error_get_exit_code((EhrlinkError)error->code);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return CLI_EXIT_INTERRUPTED;
    return ehrlink_error_get_exit_code(EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

/* Ended by the person before anything else went wrong: an error in the event, no words needed. */
static void
say_interrupted(JsonBuilder *event)
{
    output_member_string(event, "error", ehrlink_error_get_name(EHRLINK_ERROR_CANCELLED));
    output_member_string(event, "text", _(ehrlink_error_get_text(EHRLINK_ERROR_CANCELLED)));
}

static void
say_error(JsonBuilder *event, EhrlinkRole role, const GError *error)
{
    /* the library's message names the file or the reader; the words say what it means */
    g_autofree char *detail = words_error(error);

    if (error->domain == EHRLINK_ERROR)
        output_member_string(event, "error", ehrlink_error_get_name((EhrlinkError)error->code));
    output_member_string(event, "text", words_failure(role, error));
    output_error("%s", words_failure(role, error));
    if (error->domain == EHRLINK_ERROR && !g_str_equal(detail, words_failure(role, error)) &&
        !(role == EHRLINK_ROLE_TERMINAL && error->code == EHRLINK_ERROR_DECLINED))
        g_printerr("  %s\n", detail);
}

int
cli_end(EhrlinkRole role, const GError *error)
{
    int code = interrupt.seen ? CLI_EXIT_INTERRUPTED : cli_exit_code(error);
    /* a call that was given up for it is no error of its own */
    gboolean own = error != NULL && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    JsonBuilder *event = output_event("end");

    output_member_int(event, "exit", code);
    if (own)
        say_error(event, role, error);
    else if (code == CLI_EXIT_INTERRUPTED)
        say_interrupted(event);
    output_event_end();
    return code;
}

void
cli_failed(EhrlinkRole role, const char *session, const GError *error)
{
    JsonBuilder *event = output_event("failed");

    if (session != NULL)
        output_member_string(event, "session", session);
    say_error(event, role, error);
    output_event_end();
}

void
cli_complain(const GError *error)
{
    g_autofree char *words = words_error(error);

    output_error("%s", words);
}

static gboolean
on_signal(gpointer user_data)
{
    if (interrupt.seen)
        exit(CLI_EXIT_INTERRUPTED);
    interrupt.seen = TRUE;
    interrupt.callback(interrupt.user_data);
    return G_SOURCE_CONTINUE;
}

void
cli_on_interrupt(void (*callback)(gpointer user_data), gpointer user_data)
{
    interrupt.callback = callback;
    interrupt.user_data = user_data;
    g_unix_signal_add(SIGINT, on_signal, NULL);
    g_unix_signal_add(SIGTERM, on_signal, NULL);
    g_unix_signal_add(SIGHUP, on_signal, NULL);
}

gboolean
cli_interrupted(void)
{
    return interrupt.seen;
}

char *
cli_parse_fingerprint(const char *text)
{
    g_autoptr(GString) hex = g_string_new(NULL);

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ':' || *p == ' ')
            continue;
        if (!g_ascii_isxdigit(*p))
            return NULL;
        g_string_append_c(hex, g_ascii_tolower(*p));
    }
    return hex->len == 64 ? g_strdup(hex->str) : NULL;
}
