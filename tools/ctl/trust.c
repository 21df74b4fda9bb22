/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl trust list, add, remove.
 */
#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/words.h"
#include "tools/ctl/ctl.h"

static void
show(GVariant *authority)
{
    const char *fingerprint = ctl_string(authority, "fingerprint");
    const char *name = ctl_string(authority, "name");
    gboolean system = FALSE;
    gint64 not_after = 0;

    output_members(output_event(NULL), authority);
    output_event_end();
    g_variant_lookup(authority, "system", "b", &system);
    g_variant_lookup(authority, "not-after", "x", &not_after);
    g_autofree char *date = words_date(not_after);
    g_autofree char *safe = ehrlink_safe_text(name, 80);
    output_line("%.16s  %s  %s%s", fingerprint != NULL ? fingerprint : "?", date, safe,
                system ? _("  (from the administrator)") : "");
}

int
ctl_trust_list(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 0, 0, &code) || (code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_list_trust_async(ctl->client, NULL, ctl_on_result, &call);
    g_autoptr(GVariant) list =
        ehrlink_client_list_trust_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (list == NULL)
        return ctl_fail(error);
    if (g_variant_n_children(list) == 0)
        output_note(_("This device trusts no authority yet: every terminal will be unverified."));
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) authority = g_variant_get_child_value(list, i);
        show(authority);
    }
    return 0;
}

int
ctl_trust_add(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 1, 1, &code))
        return code;
    if ((pem = ctl_read_file(argv[1], &error)) == NULL)
        return ctl_fail(error);
    if ((code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_add_trust_async(ctl->client, pem, NULL, ctl_on_result, &call);
    g_autofree char *fingerprint =
        ehrlink_client_add_trust_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (fingerprint == NULL)
        return ctl_fail_file(argv[1], error);
    output_member_string(output_event(NULL), "fingerprint", fingerprint);
    output_event_end();
    g_autofree char *grouped = words_fingerprint(fingerprint);
    output_line(_("Trusted from now on: %s"), grouped);
    return 0;
}

int
ctl_trust_remove(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 1, 1, &code) || (code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_remove_trust_async(ctl->client, argv[1], NULL, ctl_on_result, &call);
    if (!ehrlink_client_remove_trust_finish(ctl->client, ctl_wait(ctl, &call), &error))
        return ctl_fail(error);
    output_line(_("Not trusted any more."));
    return 0;
}
