/* SPDX-License-Identifier: Apache-2.0
 *
 * See offer.h. Blocking, before there is a session; main thread.
 */
#include "tools/send/offer.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/person.h"
#include "tools/common/warn.h"
#include "tools/send/consent.h"

/* More would keep a person waiting; ehr-view --check looks at all. */
#define CHECKED_MAX 200

static gboolean
gather_folder(Offer *self, const SendOptions *options, GError **error)
{
    self->folder = folder_new(options, self->leave_out, error);
    if (self->folder == NULL)
        return FALSE;
    if (folder_n_offered(self->folder) == 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("there is nothing in it to offer"));
        return FALSE;
    }
    if (!leave_out_matched(self->leave_out, error))
        return FALSE;
    output_member_int(output_event("folder"), "offered", folder_n_offered(self->folder));
    output_event_end();
    output_note(ngettext("%u record is offered.", "%u records are offered.", folder_n_offered(self->folder)),
                folder_n_offered(self->folder));
    if (folder_n_offered(self->folder) <= CHECKED_MAX) {
        g_auto(GStrv) paths = folder_paths(self->folder);
        warn_of_findings(paths);
    }
    return TRUE;
}

static gboolean
gather_file(Offer *self, const char *path, GPtrArray *paths, GError **error)
{
    g_autofree char *copy = NULL, *name = g_path_get_basename(path);
    const LeaveOutResult result = leave_out_is_empty(self->leave_out)
                                      ? LEAVE_OUT_NOTHING
                                      : leave_out_of_file(self->leave_out, path, &copy, error);
    EhrlinkItem *item;

    if (result == LEAVE_OUT_FAILED)
        return FALSE;
    if (result == LEAVE_OUT_WHOLE)
        return TRUE;
    item = ehrlink_item_new_for_path(copy != NULL ? copy : path);
    if (copy != NULL)
        ehrlink_item_set_name(item, name);
    g_ptr_array_add(self->items, item);
    g_ptr_array_add(paths, g_strdup(copy != NULL ? copy : path));
    if (copy != NULL)
        g_ptr_array_add(self->copies, g_steal_pointer(&copy));
    return TRUE;
}

static gboolean
gather_files(Offer *self, const SendOptions *options, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    for (char **file = options->files; *file != NULL; file++)
        if (!gather_file(self, *file, paths, error))
            return FALSE;
    if (self->items->len == 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("all of it is left out: nothing is sent"));
        return FALSE;
    }
    if (!leave_out_matched(self->leave_out, error))
        return FALSE;
    g_ptr_array_add(paths, NULL);
    ehrlink_item_recognise_all((EhrlinkItem **)self->items->pdata, self->items->len);
    person_mark_subjects(self->items);
    warn_of_findings((char **)paths->pdata);
    return TRUE;
}

gboolean
offer_gather(Offer *self, const SendOptions *options, GError **error)
{
    self->items = g_ptr_array_new_with_free_func(g_object_unref);
    self->copies = g_ptr_array_new_with_free_func(g_free);
    self->leave_out = leave_out_new(options->exclude, options->include, error);
    if (self->leave_out == NULL)
        return FALSE;
    if (!leave_out_is_empty(self->leave_out) || options->only != NULL || options->since != NULL ||
        options->until != NULL || options->type != NULL || options->last > 0)
        consent_warn_withholding();
    return options->from != NULL ? gather_folder(self, options, error) : gather_files(self, options, error);
}

void
offer_answer(Offer *self, GVariant *request)
{
    if (self->folder == NULL)
        return;
    g_ptr_array_unref(self->items);
    self->items = folder_answer(self->folder, request);
}

void
offer_forget(Offer *self)
{
    if (self->folder != NULL)
        folder_forget(self->folder);
    for (guint i = 0; i < self->copies->len; i++)
        leave_out_forget(self->copies->pdata[i]);
}

void
offer_clear(Offer *self)
{
    g_clear_pointer(&self->items, g_ptr_array_unref);
    g_clear_pointer(&self->folder, folder_free);
    g_clear_pointer(&self->leave_out, leave_out_free);
    g_clear_pointer(&self->copies, g_ptr_array_unref);
}
