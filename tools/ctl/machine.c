/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl status and doctor: how this machine is.
 */
#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/words-service.h"
#include "tools/ctl/ctl.h"

static GVariant *
diagnose(Ctl *ctl, GError **error)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};

    ehrlink_client_diagnose_async(ctl->client, NULL, ctl_on_result, &call);
    return ehrlink_client_diagnose_finish(ctl->client, ctl_wait(ctl, &call), error);
}

static const char *
mark(const char *level)
{
    if (g_strcmp0(level, "ok") == 0)
        return _("ok     ");
    if (g_strcmp0(level, "problem") == 0)
        return _("PROBLEM");
    return g_strcmp0(level, "warning") == 0 ? _("WARNING") : _("note   ");
}

/* Says one finding; TRUE when it prevents a session. */
static gboolean
show(GVariant *finding, gboolean briefly)
{
    const char *level = ctl_string(finding, "level");
    const char *remedy = words_remedy(finding);
    g_autofree char *found = words_finding(finding);

    output_members(output_event(NULL), finding);
    output_event_end();
    output_line("%s  %-10s %s", mark(level), ctl_string(finding, "id"), found);
    if (!briefly && remedy != NULL)
        output_line("         %-10s → %s", "", remedy);
    return g_strcmp0(level, "problem") == 0;
}

static int
findings(Ctl *ctl, gboolean briefly, gboolean *problem)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) list = diagnose(ctl, &error);

    *problem = FALSE;
    if (list == NULL)
        return ctl_fail(error);
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) finding = g_variant_get_child_value(list, i);
        if (show(finding, briefly))
            *problem = TRUE;
    }
    return 0;
}

int
ctl_doctor(Ctl *ctl, int argc, char **argv)
{
    gboolean problem;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 0, 0, &code) || (code = ctl_connect(ctl)) != 0 ||
        (code = findings(ctl, FALSE, &problem)) != 0)
        return code;
    if (!problem)
        output_line(_("Nothing prevents a session."));
    return problem ? ehrlink_error_get_exit_code(EHRLINK_ERROR_DAEMON_UNAVAILABLE) : 0;
}

int
ctl_status(Ctl *ctl, int argc, char **argv)
{
    gboolean problem;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 0, 0, &code) || (code = ctl_connect(ctl)) != 0)
        return code;
    output_member_string(output_event(NULL), "version", ehrlink_client_get_version(ctl->client));
    output_event_end();
    output_line(_("ehrlinkd %s, protocol %u"), ehrlink_client_get_version(ctl->client),
                ehrlink_client_get_protocol_version(ctl->client));
    if ((code = findings(ctl, TRUE, &problem)) != 0)
        return code;
    return ctl_session_list(ctl, 1, argv);
}
