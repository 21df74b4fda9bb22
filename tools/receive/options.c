/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of ehr-receive.
 */
#include "tools/receive/options.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "lib/record/category.h"
#include "lib/record/date.h"
#include "tools/common/choice.h"
#include "tools/common/output.h"
#include "tools/common/person.h"

#define TIMEOUT_MAX 3600
#define DAYS_MAX 36500
#define LAST_MAX 16384
/* No number that a person types. */
#define NOT_GIVEN G_MININT
/* "later" means that staff come back to it: a day, not the ten minutes of somebody at the desk. Seconds. */
#define FILING_LATER (24 * 60 * 60)

static int
check_file_mode(ReceiveOptions *options)
{
    if (options->file == NULL)
        options->file_mode = isatty(STDIN_FILENO) ? FILE_ASK : FILE_LATER;
    else if (g_str_equal(options->file, "ask"))
        options->file_mode = FILE_ASK;
    else if (g_str_equal(options->file, "later"))
        options->file_mode = FILE_LATER;
    else if (g_str_equal(options->file, "auto"))
        options->file_mode = FILE_AUTO;
    else
        return cli_usage(_("--file must be ask, later or auto"));
    return 0;
}

static int
check_policy(ReceiveOptions *options)
{
    if (options->policy_name == NULL || g_str_equal(options->policy_name, "warn"))
        options->policy = POLICY_WARN;
    else if (g_str_equal(options->policy_name, "refuse"))
        options->policy = POLICY_REFUSE;
    else
        return cli_usage(_("--policy must be warn or refuse"));
    return 0;
}

static int
check_operator(const ReceiveOptions *options)
{
    static const char *const assurances[] = {"stated", "logged-in", "card", NULL};

    if (options->operator_name == NULL &&
        (options->operator_role != NULL || options->operator_id != NULL || options->operator_assurance != NULL))
        return cli_usage(_("--operator-role, --operator-id and --operator-assurance need --operator"));
    if (options->operator_assurance != NULL && !g_strv_contains(assurances, options->operator_assurance))
        return cli_usage(_("--operator-assurance must be stated, logged-in or card"));
    return 0;
}

static int
no_input(const char *file, const char *why)
{
    g_autoptr(GError) error = g_error_new(EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", file, why);

    return cli_end(EHRLINK_ROLE_TERMINAL, error);
}

/* Found by the same rules as when it is run: with records here and filed it would be too late to hear of it. */
static int
check_on_filed(const char *program)
{
    g_autofree char *path = program != NULL ? g_find_program_in_path(program) : NULL;

    if (program == NULL || path != NULL)
        return 0;
    return no_input(program, strchr(program, '/') != NULL && g_file_test(program, G_FILE_TEST_EXISTS)
                                 ? _("it cannot be executed")
                                 : _("no such program"));
}

/* A slip would be found out only when the records are here, and be taken for another person. */
static int
check_expected(const ReceiveOptions *options)
{
    for (char **one = options->expect; one != NULL && *one != NULL; one++) {
        if (person_can_be_expected(*one))
            continue;
        if (strchr(*one, '=') == NULL && !g_file_test(*one, G_FILE_TEST_EXISTS))
            return no_input(*one, _("no such file"));
        return cli_usage(_("--expect-patient takes a file with a FHIR Patient, or name, family, birth-date, sex or "
                           "identifier with = and a value, not “%s”"), *one);
    }
    return 0;
}

static int
check_pick(const ReceiveOptions *options)
{
    g_autofree guint *ids = NULL;
    gsize n;

    if (options->pick == NULL)
        return 0;
    if (!options->list)
        return cli_usage(_("--pick needs --list"));
    if (g_str_equal(options->pick, "all") || g_str_equal(options->pick, "none"))
        return 0;
    ids = choice_parse(options->pick, LAST_MAX, &n);
    return ids != NULL ? 0 : cli_usage(_("--pick takes numbers (1,3-4), all or none"));
}

/* To these nothing would ever fit, and the patient would be told that there is nothing. */
static int
check_query(const ReceiveOptions *options)
{
    const char *const dates[] = {options->since, options->until};

    for (char **code = options->request; code != NULL && *code != NULL; code++)
        if (erec_category_words(*code) == NULL)
            return cli_usage(_("there is no category “%s”"), *code);
    if (options->last < 0 || options->last > LAST_MAX)
        return cli_usage(_("--last must be 1 to %d"), LAST_MAX);
    if (options->type != NULL && strchr(options->type, '|') == NULL)
        return cli_usage(_("--type takes SYSTEM|CODE"));
    for (gsize i = 0; i < G_N_ELEMENTS(dates); i++)
        if (dates[i] != NULL && !erec_date_is_valid(dates[i]))
            return cli_usage(_("“%s” is not a date like 2026, 2026-03 or 2026-03-01"), dates[i]);
    return 0;
}

static int
check(ReceiveOptions *options, int argc)
{
    int code;

    if (argc > 1)
        return cli_usage(_("ehr-receive takes no arguments besides its options"));
    if (options->timeout != NOT_GIVEN && (options->timeout < 0 || options->timeout > TIMEOUT_MAX))
        return cli_usage(_("--timeout must be 0 to %d seconds"), TIMEOUT_MAX);
    if (options->period_days < 0 || options->period_days > DAYS_MAX || options->retention_days < 0 ||
        options->retention_days > DAYS_MAX)
        return cli_usage(_("days must be 0 to %d"), DAYS_MAX);
    if (options->timeout == NOT_GIVEN)
        options->timeout = options->once ? -1 : 0;
    if (options->output == NULL)
        options->output = g_strdup(".");
    for (char **file = options->reply; file != NULL && *file != NULL; file++)
        if (!g_file_test(*file, G_FILE_TEST_IS_REGULAR))
            return no_input(*file, _("no such file"));
    code = check_policy(options);
    if (code == 0)
        code = check_operator(options);
    if (code == 0)
        code = check_query(options);
    if (code == 0)
        code = check_pick(options);
    if (code == 0)
        code = check_expected(options);
    if (code == 0)
        code = check_on_filed(options->on_filed);
    return code != 0 ? code : check_file_mode(options);
}

int
receive_options_parse(ReceiveOptions *options, int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, N_("where to store"), N_("DIR")},
        {"request", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->request, N_("ask for this category; repeatable"),
         N_("CATEGORY")},
        {"purpose", 0, 0, G_OPTION_ARG_STRING, &options->purpose, N_("why: TREAT, ETREAT, …"), N_("CODE")},
        {"period-days", 0, 0, G_OPTION_ARG_INT, &options->period_days, N_("how long they are used"), "N"},
        {"retention-days", 0, 0, G_OPTION_ARG_INT, &options->retention_days, N_("how long they are kept"), "N"},
        {"text", 0, 0, G_OPTION_ARG_STRING, &options->text, N_("free words to the patient"), N_("WORDS")},
        {"operator", 0, 0, G_OPTION_ARG_STRING, &options->operator_name, N_("who sits at the terminal"),
         N_("NAME")},
        {"operator-role", 0, 0, G_OPTION_ARG_STRING, &options->operator_role, N_("their role"), "SYSTEM|CODE"},
        {"operator-id", 0, 0, G_OPTION_ARG_STRING, &options->operator_id, N_("their number"), "SYSTEM|VALUE"},
        {"operator-assurance", 0, 0, G_OPTION_ARG_STRING, &options->operator_assurance,
         N_("stated, logged-in or card"), N_("HOW")},
        {"once", 0, 0, G_OPTION_ARG_NONE, &options->once, N_("serve one patient, then exit"), NULL},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout, N_("seconds to wait for a tap; 0: no end"), "S"},
        {"file", 0, 0, G_OPTION_ARG_STRING, &options->file, N_("how received becomes filed: ask, later, auto"),
         N_("HOW")},
        {"policy", 0, 0, G_OPTION_ARG_STRING, &options->policy_name,
         N_("what becomes of records with errors: warn, refuse"), N_("POLICY")},
        {"on-filed", 0, 0, G_OPTION_ARG_FILENAME, &options->on_filed, N_("run PROGRAM with the directory of each filed session"),
         N_("PROGRAM")},
        {"unverified", 0, 0, G_OPTION_ARG_NONE, &options->unverified, N_("arm although this terminal has no certificate"),
         NULL},
        {"type", 0, 0, G_OPTION_ARG_STRING, &options->type, N_("ask for this type of document"), "SYSTEM|CODE"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &options->since, N_("ask for what is not older"), N_("DATE")},
        {"until", 0, 0, G_OPTION_ARG_STRING, &options->until, N_("ask for what is not newer"), N_("DATE")},
        {"last", 0, 0, G_OPTION_ARG_INT, &options->last, N_("ask for the newest N"), "N"},
        {"id", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->ids, N_("ask for this record; repeatable"), N_("ID")},
        {"list", 0, 0, G_OPTION_ARG_NONE, &options->list, N_("ask for the list first, then for items of it"), NULL},
        {"pick", 0, 0, G_OPTION_ARG_STRING, &options->pick, N_("take these from the list: 1,3-4, all or none"),
         N_("NUMBERS")},
        {"reply", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->reply, N_("send FILE back to the patient; repeatable"),
         N_("FILE")},
        {"expect-patient", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->expect,
         N_("compare with this person; repeatable"), N_("FILE|KEY=VALUE")},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int code;

    options->timeout = NOT_GIVEN;
    code = cli_parse(&argc, &argv, entries, &options->common, NULL,
                     _("Receives health records at a clinic's terminal by a tap."));
    return code != 0 ? code : check(options, argc);
}

static gboolean
has_query(const ReceiveOptions *options)
{
    return options->request != NULL || options->type != NULL || options->since != NULL ||
           options->until != NULL || options->last > 0 || options->ids != NULL;
}

GVariant *
receive_options_queries(const ReceiveOptions *options)
{
    GVariantBuilder list;
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    if (options->request != NULL)
        g_variant_dict_insert(&dict, "categories", "^as", options->request);
    if (options->type != NULL)
        g_variant_dict_insert(&dict, "type", "s", options->type);
    if (options->since != NULL)
        g_variant_dict_insert(&dict, "since", "s", options->since);
    if (options->until != NULL)
        g_variant_dict_insert(&dict, "until", "s", options->until);
    if (options->last > 0)
        g_variant_dict_insert(&dict, "last", "u", (guint32)options->last);
    if (options->ids != NULL)
        g_variant_dict_insert(&dict, "ids", "^as", options->ids);
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    g_variant_builder_add_value(&list, g_variant_dict_end(&dict));
    return g_variant_builder_end(&list);
}

static GVariant *
operator_to_vardict(const ReceiveOptions *options)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "display", "s", options->operator_name);
    if (options->operator_role != NULL)
        g_variant_dict_insert(&dict, "role-code", "s", options->operator_role);
    if (options->operator_id != NULL)
        g_variant_dict_insert(&dict, "identifier", "s", options->operator_id);
    g_variant_dict_insert(&dict, "assurance", "s",
                          options->operator_assurance != NULL ? options->operator_assurance : "stated");
    return g_variant_dict_end(&dict);
}

GVariant *
receive_options_to_vardict(const ReceiveOptions *options)
{
    g_autofree char *directory = g_canonicalize_filename(options->output, NULL);
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    if (options->timeout >= 0) /* else as the service's configuration says */
        g_variant_dict_insert(&dict, "timeout", "u", (guint32)options->timeout);
    g_variant_dict_insert(&dict, "directory", "s", directory);
    if (has_query(options))
        g_variant_dict_insert_value(&dict, "queries", receive_options_queries(options));
    if (options->list)
        g_variant_dict_insert(&dict, "list", "b", TRUE);
    if (options->purpose != NULL)
        g_variant_dict_insert(&dict, "purpose", "s", options->purpose);
    if (options->period_days > 0)
        g_variant_dict_insert(&dict, "period-days", "t", (guint64)options->period_days);
    if (options->retention_days > 0)
        g_variant_dict_insert(&dict, "retention-days", "t", (guint64)options->retention_days);
    if (options->text != NULL)
        g_variant_dict_insert(&dict, "text", "s", options->text);
    if (options->operator_name != NULL)
        g_variant_dict_insert_value(&dict, "operator", operator_to_vardict(options));
    if (options->unverified)
        g_variant_dict_insert(&dict, "unverified", "b", TRUE);
    if (options->file_mode == FILE_LATER) {
        /* staff confirm with ehrctl, whether this program still runs or not */
        g_variant_dict_insert(&dict, "detach", "b", TRUE);
        g_variant_dict_insert(&dict, "filing-timeout", "u", (guint32)FILING_LATER);
    }
    return g_variant_dict_end(&dict);
}

void
receive_options_clear(ReceiveOptions *options)
{
    g_clear_pointer(&options->output, g_free);
    g_clear_pointer(&options->request, g_strfreev);
    g_clear_pointer(&options->purpose, g_free);
    g_clear_pointer(&options->text, g_free);
    g_clear_pointer(&options->operator_name, g_free);
    g_clear_pointer(&options->operator_role, g_free);
    g_clear_pointer(&options->operator_id, g_free);
    g_clear_pointer(&options->operator_assurance, g_free);
    g_clear_pointer(&options->file, g_free);
    g_clear_pointer(&options->policy_name, g_free);
    g_clear_pointer(&options->on_filed, g_free);
    g_clear_pointer(&options->type, g_free);
    g_clear_pointer(&options->since, g_free);
    g_clear_pointer(&options->until, g_free);
    g_clear_pointer(&options->ids, g_strfreev);
    g_clear_pointer(&options->pick, g_free);
    g_clear_pointer(&options->reply, g_strfreev);
    g_clear_pointer(&options->expect, g_strfreev);
}
