/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns stdin. Main thread.
 */
#include "tools/common/ask.h"

#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/output.h"

static struct {
    GDataInputStream *input; /* owned; made at the first question */
    gboolean reading;
    AskAnswer callback; /* NULL: nobody waits for the line that is being read */
    gpointer user_data;
} asking;

static void
on_line(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree char *line =
        g_data_input_stream_read_line_finish_utf8(G_DATA_INPUT_STREAM(source), result, NULL, NULL);
    AskAnswer callback = asking.callback;

    asking.reading = FALSE;
    asking.callback = NULL;
    if (callback == NULL)
        return; /* typed after the question was taken down: answers nothing that comes later */
    callback(line != NULL ? g_strstrip(line) : NULL, asking.user_data);
}

static void
read_line(void)
{
    if (asking.input == NULL) {
        g_autoptr(GInputStream) raw = g_unix_input_stream_new(STDIN_FILENO, FALSE);
        asking.input = g_data_input_stream_new(raw);
    }
    if (asking.reading)
        return;
    asking.reading = TRUE;
    g_data_input_stream_read_line_async(asking.input, G_PRIORITY_DEFAULT, NULL, on_line, NULL);
}

void
ask_line(const char *question, AskAnswer callback, gpointer user_data)
{
    output_progress_end();
    g_printerr("%s ", question);
    asking.callback = callback;
    asking.user_data = user_data;
    read_line();
}

void
ask_cancel(void)
{
    if (asking.callback != NULL)
        g_printerr("\n");
    asking.callback = NULL;
}

static gboolean
is_one_of(const char *answer, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, "|", -1);
    g_autofree char *folded = answer != NULL ? g_utf8_strdown(answer, -1) : NULL;

    return folded != NULL && g_strv_contains((const char *const *)words, folded);
}

gboolean
ask_is_yes(const char *answer)
{
    /* Translators: the words that mean yes, separated by |, lower case */
    return is_one_of(answer, _("y|yes"));
}

gboolean
ask_is_no(const char *answer)
{
    /* Translators: the words that mean no, separated by |, lower case */
    return is_one_of(answer, _("n|no"));
}
