/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service says, as a person reads it under LANGUAGE=de: no English is left of its
 * sentences, and what is none of them stays as it is.
 *
 * usage: words_unit LOCALE_DIR
 */
#include "tools/common/words-service.h"

#include <libintl.h>
#include <locale.h>
#include <string.h>

#include "tools/common/words-forms.h"

static const struct {
    const char *english, *german;
} details[] = {
    {"", ""},
    {"desk.json", "desk.json"},
    {"{1} authority is trusted", "{1} Zertifizierungsstelle wird vertraut"},
    {"[store] audit-quota is used up", "[store] audit-quota ist aufgebraucht"},
    /* a sentence with a colon of its own, and parts that colons separate */
    {"install it: the package is called bluez", "ihn installieren: das Paket heißt bluez"},
    {"a kernel module holds the reader: pn533_usb",
     "ein Kernelmodul hält den Leser: pn533_usb"},
    {"/dev/ttyUSB0: another program uses it", "/dev/ttyUSB0: ein anderes Programm benutzt ihn"},
    {"less is free for the state directory than is needed: 64 MiB",
     "für das Zustandsverzeichnis ist weniger frei als nötig: 64 MiB"},
    {"pn532_uart:/dev/pts/1", "pn532_uart:/dev/pts/1"},
    {"no such object: no authority has this fingerprint (at least 8 hex digits)",
     "gibt es nicht: keine Zertifizierungsstelle hat diesen Fingerabdruck (mindestens 8 Hexziffern)"},
    {"a.json: is empty", "a.json: ist leer"},
    {": ", ": "},
    /* what varies stands inside */
    {"items[0]: title: 300 bytes, where 1 to 255 are allowed",
     "items[0]: title: 300 Bytes, erlaubt sind 1 bis 255"},
    {"chain: 70000 bytes, where 65536 are allowed", "chain: 70000 Bytes, erlaubt sind 65536"},
    {"not possible in this state: item 3 was not reported as stored",
     "in diesem Zustand nicht möglich: Eintrag 3 wurde nicht als gespeichert gemeldet"},
    {"item 3: its media type", "Eintrag 3: der Medientyp"},
    {"write ledger/3f: no such item", "ledger/3f schreiben: diesen Eintrag gibt es nicht"},
    {"a card that is not ISO-DEP (SAK 08)", "eine Karte, die kein ISO-DEP kann (SAK 08)"},
    {"listen in /run/x, channel 22: 7", "Warten auf Verbindungen in /run/x, Kanal 22: 7"},
    /* a value that looks like a place is no place */
    {"item {2}: its name", "Eintrag {2}: der Name"},
    /* what only begins like one, or lacks a value, is somebody else's */
    {"item of another version", "item of another version"},
    {"item ", "item "},
    {"write ", "write "},
    {"at most 3 apples", "at most 3 apples"},
    {"7 bytes, where", "7 bytes, where"},
    {"the reader was unplugged: ", "der Leser wurde herausgezogen: "},
};

static void
test_details(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(details); i++) {
        g_autofree char *said = words_detail(details[i].english);

        g_assert_cmpstr(said, ==, details[i].german);
    }
}

static char *
fill(const char *form)
{
    GString *text = g_string_new(form);

    for (guint n = 1; n <= 9; n++) {
        g_autofree char *place = g_strdup_printf("{%u}", n);
        g_autofree char *value = g_strdup_printf("%u/x-7", n);

        g_string_replace(text, place, value, 0);
    }
    return g_string_free(text, FALSE);
}

/* None is hidden behind another that stands before it. */
static void
test_forms(void)
{
    for (guint i = 0; words_forms[i] != NULL; i++) {
        g_autofree char *english = fill(words_forms[i]);
        g_autofree char *german = fill(gettext(words_forms[i]));
        g_autofree char *said = words_detail(english);

        g_assert_cmpstr(english, !=, german);
        g_assert_cmpstr(said, ==, german);
    }
}

static const struct {
    const char *finding, *german, *remedy;
} findings[] = {
    {"{'text': <'this terminal is Test Clinic, Desk 1, for 9 more days'>,"
     " 'words': <'this terminal is {1}, {2}, for {3} more days'>, 'arguments': <['Test "
     "Clinic', 'Desk 1', '9']>,"
     " 'remedy': <'renew the certificate: ehrctl identity'>}",
     "dieses Terminal ist Test Clinic, Desk 1, noch 9 Tage lang",
     "das Zertifikat erneuern: ehrctl identity"},
    {"{'words': <'no NFC reader was found'>, 'detail': <'no USB reader is plugged in; a serial "
     "one must be configured'>}",
     "kein NFC-Leser gefunden (es steckt kein USB-Leser; ein serieller muss eingetragen "
     "werden)",
     NULL},
    {"{'words': <'the NFC reader is ready'>, 'detail': <'pn532_uart:/dev/pts/1: back again'>, "
     "'remedy': <''>}",
     "der NFC-Leser ist bereit (pn532_uart:/dev/pts/1: wieder da)", NULL},
    /* a name that looks like a place is filled in as it is, and cannot move the screen's words
     */
    {"{'words': <'this terminal is {1}, {2}, for {3} more days'>, 'arguments': <['{2}', "
     "'a\\nb\\u202e', '9']>}",
     "dieses Terminal ist {2}, a b, noch 9 Tage lang", NULL},
    {"{'words': <'{1} authorities are trusted'>}", "{1} Zertifizierungsstellen wird vertraut",
     NULL},
    {"{'words': <'{1} authorities are trusted'>, 'arguments': <1>}",
     "{1} Zertifizierungsstellen wird vertraut", NULL},
    /* of another version: words that are not known, or none */
    {"{'text': <'polkit answers'>}", "polkit antwortet", NULL},
    {"{'words': <'the moon is full'>, 'remedy': <'wait'>}", "the moon is full", "wait"},
    {"{}", "", NULL},
};

static void
test_findings(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(findings); i++) {
        g_autoptr(GVariant) finding =
            g_variant_parse(G_VARIANT_TYPE_VARDICT, findings[i].finding, NULL, NULL, NULL);
        g_autofree char *said = NULL;

        g_assert_nonnull(finding);
        said = words_finding(finding);
        g_assert_cmpstr(said, ==, findings[i].german);
        g_assert_cmpstr(words_remedy(finding), ==, findings[i].remedy);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    g_setenv("LANGUAGE", "de", TRUE);
    g_assert_nonnull(setlocale(LC_ALL, "C.UTF-8"));
    bindtextdomain("ehrlink", argv[1]);
    bind_textdomain_codeset("ehrlink", "UTF-8");
    textdomain("ehrlink");
    g_test_add_func("/tools/words/details", test_details);
    g_test_add_func("/tools/words/forms", test_forms);
    g_test_add_func("/tools/words/findings", test_findings);
    return g_test_run();
}
