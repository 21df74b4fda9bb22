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

typedef struct {
    char *text; /* owned */
    AskAnswer callback;
    gpointer user_data;
} Question;

static struct {
    GDataInputStream *input; /* owned; made at the first question */
    gboolean reading;
    GQueue questions; /* of owned Question; the head is the one that was asked */
} asking = {.questions = G_QUEUE_INIT};

static void
question_free(Question *question)
{
    g_free(question->text);
    g_free(question);
}

static void ask_head(void);

static void
on_line(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree char *line =
        g_data_input_stream_read_line_finish_utf8(G_DATA_INPUT_STREAM(source), result, NULL, NULL);
    Question *question = g_queue_pop_head(&asking.questions);

    asking.reading = FALSE;
    if (question == NULL)
        return; /* typed after the question was taken down: answers nothing that comes later */
    question->callback(line != NULL ? g_strstrip(line) : NULL, question->user_data);
    question_free(question);
    ask_head();
}

static void
ask_head(void)
{
    Question *question = g_queue_peek_head(&asking.questions);

    if (question == NULL)
        return;
    if (question->text != NULL) {
        output_progress_end();
        g_printerr("%s ", question->text);
        g_clear_pointer(&question->text, g_free); /* once */
    }
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
ask_line(const char *text, AskAnswer callback, gpointer user_data)
{
    Question *question = g_new0(Question, 1);

    question->text = g_strdup(text);
    question->callback = callback;
    question->user_data = user_data;
    g_queue_push_tail(&asking.questions, question);
    if (asking.questions.length == 1)
        ask_head();
}

void
ask_cancel(gpointer user_data)
{
    Question *head = g_queue_peek_head(&asking.questions);
    gboolean shown = head != NULL && head->user_data == user_data;

    for (GList *at = asking.questions.head, *next; at != NULL; at = next) {
        Question *question = at->data;
        next = at->next;
        if (question->user_data != user_data)
            continue;
        g_queue_delete_link(&asking.questions, at);
        question_free(question);
    }
    if (!shown)
        return;
    g_printerr("\n");
    ask_head();
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
