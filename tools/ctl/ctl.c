/* SPDX-License-Identifier: Apache-2.0
 *
 * See ctl.h. Main thread.
 */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <sys/stat.h>

#include "tools/common/output.h"
#include "tools/common/words-service.h"
#include "tools/common/words.h"

#define READ_MAX (256 * 1024)

void
ctl_on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    CtlCall *call = user_data;

    call->result = g_object_ref(result);
    g_main_loop_quit(call->loop);
}

GAsyncResult *
ctl_wait(Ctl *ctl, CtlCall *call)
{
    if (call->result == NULL)
        g_main_loop_run(ctl->loop);
    return call->result;
}

void
ctl_call_clear(CtlCall *call)
{
    g_clear_object(&call->result);
}

int
ctl_fail(const GError *error)
{
    return cli_end(EHRLINK_ROLE_PATIENT, error);
}

/* A verdict about what is in a file is bad data here, not a refusal by a peer. */
static gboolean
is_about_content(const GError *error)
{
    static const EhrlinkError codes[] = {
        EHRLINK_ERROR_CERT_INVALID,   EHRLINK_ERROR_CERT_UNTRUSTED,
        EHRLINK_ERROR_CERT_EXPIRED,   EHRLINK_ERROR_CERT_NOT_YET_VALID,
        EHRLINK_ERROR_CERT_REVOKED,   EHRLINK_ERROR_CERT_WRONG_PURPOSE,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_error_matches(error, EHRLINK_ERROR, (int)codes[i]))
            return TRUE;
    return FALSE;
}

int
ctl_fail_file(const char *path, const GError *error)
{
    g_autofree char *detail = words_error(error);
    JsonBuilder *event;

    if (!is_about_content(error))
        return ctl_fail(error);
    event = output_event("end");
    output_member_int(event, "exit", CTL_EXIT_BAD_DATA);
    output_member_string(event, "error", ehrlink_error_get_name((EhrlinkError)error->code));
    output_member_string(event, "text", detail);
    output_error("%s: %s", path, detail);
    output_event_end();
    return CTL_EXIT_BAD_DATA;
}

int
ctl_connect(Ctl *ctl)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;

    if (ctl->client != NULL)
        return 0;
    ehrlink_client_new_async(NULL, ctl_on_result, &call);
    ctl->client = ehrlink_client_new_finish(ctl_wait(ctl, &call), &error);
    return ctl->client != NULL ? 0 : ctl_fail(error);
}

gboolean
ctl_options(int *argc, char ***argv, const GOptionEntry *entries, int least, int most, int *code)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_help_enabled(context, FALSE);
    if (entries != NULL)
        g_option_context_add_main_entries(context, entries, "ehrlink");
    if (!g_option_context_parse(context, argc, argv, &error)) {
        *code = cli_usage("%s", error->message);
        return FALSE;
    }
    /* "--" ends the options; it is not an argument */
    if (*argc > 1 && g_str_equal((*argv)[1], "--")) {
        (*argv)[1] = (*argv)[0];
        (*argv)++;
        (*argc)--;
    }
    if (*argc - 1 < least || *argc - 1 > most) {
        *code = cli_usage(*argc - 1 < least ? _("an argument is missing") : _("too many arguments"));
        return FALSE;
    }
    return TRUE;
}

char *
ctl_read_file(const char *path, GError **error)
{
    g_autoptr(GError) local = NULL;
    char *text = NULL;
    struct stat st;

    if (stat(path, &st) != 0)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", path, g_strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > READ_MAX)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", path, _("not a small regular file"));
    else if (!g_file_get_contents(path, &text, NULL, &local))
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, local->message);
    return text;
}

void
ctl_show(const char *label, const char *value)
{
    if (value != NULL && *value != '\0')
        output_line("%-16s %s", label, value);
}

const char *
ctl_string(GVariant *dict, const char *key)
{
    const char *value = NULL;

    g_variant_lookup(dict, key, "&s", &value);
    return value;
}
