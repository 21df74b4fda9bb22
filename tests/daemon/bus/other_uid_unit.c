/* SPDX-License-Identifier: Apache-2.0
 *
 * Another local user on the bus, for real: gdbus run as uid 65534. Sees opaque paths and states
 * only; every call on a session that is not theirs is denied, and without polkit so is opening
 * one.
 */
#include <string.h>
#include <unistd.h>

#include "tests/daemon/bus/adapters.h"

typedef struct {
    gboolean done;
    char *out, *err; /* owned */
} Run;

static void
on_run(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Run *run = user_data;
    g_autoptr(GError) error = NULL;
    g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &run->out, &run->err,
                                         &error);
    g_assert_no_error(error);
    run->done = TRUE;
}

/* Calls as nobody; (transfer full) what gdbus printed, also of an error. arguments: as gdbus
 * takes them, NULL-terminated. */
static char *
call_as_nobody(Fixture *f, const char *path, const char *method, const char *const *arguments)
{
    Run run = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    const char *const head[] = {
        "setpriv",  "--reuid=65534", "--regid=65534", "--clear-groups",
        "gdbus",    "call",          "--address",     private_bus_get_address(f->private_bus),
        "--dest",   "org.ehrlink1",  "--object-path", path,
        "--method", method};
    for (gsize i = 0; i < G_N_ELEMENTS(head); i++)
        g_ptr_array_add(argv, (gpointer)head[i]);
    for (gsize i = 0; i == 0 || arguments[i - 1] != NULL; i++)
        g_ptr_array_add(argv, (gpointer)arguments[i]);
    g_autoptr(GSubprocess) process = g_subprocess_newv(
        (const char *const *)argv->pdata,
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
    g_assert_no_error(error);
    g_subprocess_communicate_utf8_async(process, NULL, NULL, on_run, &run);
    wait_until(&run.done);
    char *all = g_strconcat(run.out, run.err, NULL);
    g_free(run.out);
    g_free(run.err);
    return all;
}

static gboolean
start(Fixture *f, gboolean with_polkit)
{
    g_autofree char *setpriv = g_find_program_in_path("setpriv");
    g_autofree char *gdbus = g_find_program_in_path("gdbus");
    if (geteuid() != 0 || setpriv == NULL || gdbus == NULL) {
        g_test_skip("another uid needs root, setpriv and gdbus");
        return FALSE;
    }
    return fixture_start(f, with_polkit);
}

static void
expect(Fixture *f, const char *path, const char *method, const char *const *arguments,
       const char *word)
{
    g_autofree char *said = call_as_nobody(f, path, method, arguments);
    if (strstr(said, word) == NULL)
        g_error("%s: \"%s\", where %s was expected", method, said, word);
}

static void
test_every_method(void)
{
    static const struct {
        const char *method;
        const char *arguments[4];
    } on_session[] =
        {
            {"GetDetails", {"{}", NULL}},
            {"Cancel", {"{}", NULL}},
            {"AllowUnverified",
             {"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'", "{}",
              NULL}},
            {"Extend", {"{}", NULL}},
            {"Revoke", {"{}", NULL}},
            {"File", {"{}", NULL}},
            {"Discard", {"{}", NULL}},
            {"GetReceipt", {"{}", NULL}},
            {"GetOrigin", {"1", "{}", NULL}},
            /* nor does one learn from how it was called */
            {"GetDetails", {"{'bogus': <1>}", NULL}},
        },
      on_transfer[] = {
          {"GetProgress", {"{}", NULL}},
          {"ListItems", {"0", "1", "{}", NULL}},
          {"CollectItem", {"0", "{}", NULL}},
          {"ItemStored", {"0", "{}", NULL}},
      };
    Fixture f;
    if (!start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    session->info.has_transfer = TRUE;
    session->info.state = EHD_STATE_DONE;
    session->listener->transfer_changed(session, session->user_data);
    g_autofree char *path = path_of(session);
    g_autofree char *transfer = transfer_of(session);
    for (gsize i = 0; i < G_N_ELEMENTS(on_session); i++) {
        g_autofree char *method = g_strconcat(SESSION ".", on_session[i].method, NULL);
        expect(&f, path, method, on_session[i].arguments, "org.ehrlink1.Error.NotOwner");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(on_transfer); i++) {
        g_autofree char *method = g_strconcat(TRANSFER ".", on_transfer[i].method, NULL);
        expect(&f, transfer, method, on_transfer[i].arguments, "org.ehrlink1.Error.NotOwner");
    }
    const char *const reattach[] = {path, "{'agent': <objectpath '/a'>}", NULL};
    expect(&f, ROOT, MANAGER ".Reattach", reattach, "org.ehrlink1.Error.NotOwner");
    g_assert_cmpuint(session->cancels + session->files + session->extends + session->revokes +
                         session->stored,
                     ==, 0);
    g_assert_null(session->rule);
    g_assert_cmpuint(session->listeners_set, ==, 1);
    fixture_end(&f);
}

static void
test_what_is_seen(void)
{
    static const char *const none[] = {"{}", NULL};
    static const char *const nothing[] = {NULL};
    Fixture f;
    if (!start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    session->info.directory = "/home/secret";
    expect(&f, ROOT, MANAGER ".ListSessions", none, "(@aa{sv} [],)");
    g_autofree char *said = call_as_nobody(
        &f, ROOT, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", nothing);
    g_assert_nonnull(strstr(said, "'State': <'ready'>, 'Role': <'patient'>}}"));
    g_assert_null(strstr(said, "secret"));
    fixture_end(&f);
}

static void
test_without_polkit(void)
{
    static const char *const send[] = {"[{'name': <'a'>, 'size': <uint64 1>}]",
                                       "{'agent': <objectpath '/a'>}", NULL};
    static const char *const receive[] = {"{'agent': <objectpath '/a'>}", NULL};
    static const char *const init[] = {"{}", NULL};
    static const char *const text[] = {"'01234567'", "{}", NULL};
    Fixture f;
    if (!start(&f, FALSE))
        return;
    expect(&f, ROOT, MANAGER ".Send", send, "org.ehrlink1.Error.NotAuthorized");
    expect(&f, ROOT, MANAGER ".Receive", receive, "org.ehrlink1.Error.NotAuthorized");
    expect(&f, ROOT, MANAGER ".InitIdentity", init, "org.ehrlink1.Error.NotAuthorized");
    expect(&f, ROOT, MANAGER ".ImportIdentity", text, "org.ehrlink1.Error.NotAuthorized");
    expect(&f, ROOT, MANAGER ".AddTrust", text, "org.ehrlink1.Error.NotAuthorized");
    expect(&f, ROOT, MANAGER ".RemoveTrust", text, "org.ehrlink1.Error.NotAuthorized");
    g_assert_cmpuint(
        f.core->sends + f.core->receives + f.core->identity_calls + f.core->trust_calls, ==, 0);
    fixture_end(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/other-uid/every-method", test_every_method);
    g_test_add_func("/other-uid/what-is-seen", test_what_is_seen);
    g_test_add_func("/other-uid/without-polkit", test_without_polkit);
    return g_test_run();
}
