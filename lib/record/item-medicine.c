/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a medicine: its name, its doses with their units and limits.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/item-facts.h"
#include "lib/record/words.h"

#define DAY_LENGTH 10 /* YYYY-MM-DD */

/* "30 min", "30–60 min" */
static char *
duration(const ErecNode *repeat)
{
    const char *value = erec_text(repeat, "duration"), *most = erec_text(repeat, "durationMax"),
               *unit = erec_text(repeat, "durationUnit");

    if (value == NULL)
        return NULL;
    return g_strdup_printf("%s%s%s %s", value, most != NULL ? "–" : "",
                           most != NULL ? most : "", unit != NULL ? unit : "");
}

static void
take_dose_limits(ErecItem *item, const ErecNode *dosage)
{
    const ErecNode *repeat = erec_get(dosage, "timing.repeat");

    erec_fact_text(item->facts, N_("each lasting"), duration(repeat));
    erec_fact_text(item->facts, N_("minutes from that event"),
                   g_strdup(erec_text(repeat, "offset")));
    erec_fact_text(item->facts, N_("at most each time"),
                   erec_words_quantity(erec_member(dosage, "maxDosePerAdministration"), NULL));
    erec_fact_text(item->facts, N_("at most in a lifetime"),
                   erec_words_quantity(erec_member(dosage, "maxDosePerLifetime"), NULL));
}

static void
take_dose(ErecReading *reading, ErecItem *item, const ErecNode *dosage)
{
    gboolean no_unit = FALSE;
    const char *step = erec_text(dosage, "sequence");
    g_autofree char *words = erec_words_dosage(dosage, reading->language, &no_unit);

    /* steps need not stand in the order in which they are taken */
    if (words != NULL)
        erec_fact_text(item->facts, N_("dose"),
                       step != NULL ? g_strdup_printf("%s. %s", step, words) : g_strdup(words));
    else
        erec_fact_word(item->facts, "", N_("dose not stated"));
    if (no_unit)
        erec_fact_word(item->facts, "", N_("DOSE WITHOUT A UNIT"));
    take_dose_limits(item, dosage);
    if (erec_text_is(dosage, "asNeededBoolean", "true") ||
        erec_member(dosage, "asNeededCodeableConcept") != NULL)
        erec_fact_word(item->facts, "", N_("only as needed"));
}

void
erec_item_take_end(const ErecReading *reading, ErecItem *item, const char *end)
{
    if (end == NULL || reading->date == NULL ||
        strncmp(end, reading->date, MIN(MIN(strlen(end), strlen(reading->date)), DAY_LENGTH)) >=
            0)
        return;
    erec_fact_word(item->facts, "", N_("OVER BEFORE THE RECORD WAS WRITTEN"));
    erec_fact_text(item->facts, N_("until"), g_strdup(end));
}

void
erec_item_take_medicine(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                        gboolean *unsafe)
{
    static const char *const members[] = {"dosage", "dosageInstruction"};
    const ErecNode *reference = erec_member(resource, "medicationReference");
    const guint before = item->facts->len;

    if (item->what == NULL && reference != NULL)
        item->what = erec_name_of(reading, item->entry, resource, reference, unsafe);
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        for (const ErecNode *at = erec_each(resource, members[i]); at != NULL;
             at = erec_each_next(at))
            take_dose(reading, item, at);
    if (item->facts->len == before && item->absence == EREC_PRESENT)
        erec_fact_word(item->facts, "", N_("dose not stated"));
    erec_fact_text(item->facts, N_("quantity"),
                   erec_words_quantity(erec_member(resource, "quantity"), NULL));
    erec_item_take_end(reading, item, erec_text(resource, "effectivePeriod.end"));
    /* until when it may be dispensed says nothing of how long it is taken */
    erec_fact_text(item->facts, N_("the prescription is valid"),
                   erec_words_choice(erec_get(resource, "dispenseRequest.validityPeriod"),
                                     reading->language, NULL));
}
