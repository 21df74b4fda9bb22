/* SPDX-License-Identifier: Apache-2.0
 *
 * See on-filed.h. Main thread; the programs are child processes.
 */
#include "tools/receive/on-filed.h"

#include <glib/gi18n.h>
#include <sys/wait.h>

#include "tools/common/cli.h"
#include "tools/common/output.h"
#include "tools/common/session-dir.h"

typedef struct {
    char *program;
    char *directory;
} Job;

static struct {
    GQueue jobs; /* of owned Job; the head is running */
    gboolean running;
    OnFiledDone callback;
    gpointer user_data;
} queue = {.jobs = G_QUEUE_INIT};

static void run_next(void);

static void
job_free(Job *job)
{
    g_free(job->program);
    g_free(job->directory);
    g_free(job);
}

static void
note(const Job *job, const char *state, int status)
{
    g_autoptr(GError) error = NULL;

    if (!session_dir_set_on_filed(job->directory, job->program, state, status, &error))
        cli_complain(error);
}

static void
job_done(gboolean ok, int status)
{
    Job *job = g_queue_pop_head(&queue.jobs);

    note(job, ok ? "done" : "failed", status);
    if (!ok)
        output_error(_("%s failed for %s (exit status %d); it stays queued"), job->program,
                     job->directory, status);
    job_free(job);
    queue.running = FALSE;
    run_next();
}

static void
on_program_exit(GPid pid, gint wait_status, gpointer user_data)
{
    g_spawn_close_pid(pid);
    job_done(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0,
             WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status));
}

static void
run_next(void)
{
    Job *job = g_queue_peek_head(&queue.jobs);
    GPid pid;

    if (job == NULL) {
        OnFiledDone callback = queue.callback;
        queue.callback = NULL;
        if (callback != NULL)
            callback(queue.user_data);
        return;
    }
    if (queue.running)
        return;
    queue.running = TRUE;
    note(job, "running", 0);
    char *argv[] = {job->program, job->directory, NULL};
    /* stdout is ours, for --json */
    if (!g_spawn_async(NULL, argv, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                       NULL, &pid, NULL))
        job_done(FALSE, 127);
    else
        g_child_watch_add(pid, on_program_exit, NULL);
}

void
on_filed_queue(const char *program, const char *directory)
{
    Job *job = g_new0(Job, 1);

    job->program = g_strdup(program);
    job->directory = g_strdup(directory);
    g_queue_push_tail(&queue.jobs, job);
    if (!queue.running)
        run_next();
}

void
on_filed_queue_pending(const char *program, const char *dir)
{
    g_autoptr(GPtrArray) sessions = session_dir_list(dir);

    for (guint i = 0; i < sessions->len; i++) {
        const char *path = g_ptr_array_index(sessions, i);
        g_autofree char *state = session_dir_get_state(path);
        g_autofree char *ran = session_dir_get_on_filed(path);
        if (g_strcmp0(state, "filed") == 0 && g_strcmp0(ran, "done") != 0)
            on_filed_queue(program, path);
    }
}

void
on_filed_when_idle(OnFiledDone callback, gpointer user_data)
{
    queue.callback = callback;
    queue.user_data = user_data;
    if (!queue.running)
        run_next();
}
